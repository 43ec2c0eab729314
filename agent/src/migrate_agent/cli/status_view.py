"""What `migrate-agent status` shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrate_agent import __version__
from migrate_agent.cli.output import printable
from migrate_agent.cli.quantities import duration, rates, worker_time
from migrate_agent.config import Config
from migrate_agent.runtime.instance_lock import holder
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.status import read_status
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError
from migrate_contract.limit_words import mbps_words, owner_words, until_words
from migrate_contract.schedule import LimitInForce


def gather(config: Config) -> dict[str, Any]:
    """Result: everything that is known: `registered`, `running`, `connected`, jobs, last errors, where things are."""
    running = holder(config.state_dir)
    written = read_status(config.state_dir)
    current = bool(running) and written.get("pid") == running.get("pid")
    try:
        credentials = config.credentials()
    except MigrateError:
        credentials = None
    return {
        "version": __version__,
        "registered": credentials is not None,
        "running": bool(running),
        "connected": current and bool(written.get("connected")),
        "pid": running.get("pid"),
        "mode": written.get("mode") if current else None,
        "started_at": written.get("started_at") if current else None,
        "agent_id": credentials.agent_id if credentials else None,
        "agent_name": credentials.agent_name if credentials else None,
        "client_name": credentials.client_name if credentials else None,
        "api_url": config.api_url,
        "last_heartbeat_at": written.get("last_heartbeat_at"),
        "disconnected_since": written.get("disconnected_since") if current else None,
        "trouble": written.get("trouble") if current else None,
        "stopping": current and bool(written.get("stopping")),
        "jobs": written.get("jobs", []),
        "faults": written.get("faults", []),
        "exit": None if current else written.get("exit"),
        "service": _service(config),
        "config": str(config.config_path),
        "state_dir": str(config.state_dir),
        "log": str(config.log_path),
    }


def _service(config: Config) -> str | None:
    """The installed service's name."""
    try:
        manager = service_manager(config)
    except Fatal:
        return None
    return manager.name if manager.installed() else None


def describe(found: dict[str, Any]) -> None:
    """Prints it for a person."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(_headline(found))
    facts = Table.grid(padding=(0, 2))
    facts.add_row("Agent", f"{found['agent_name'] or found['agent_id'] or 'not registered'}")
    if found["client_name"]:
        facts.add_row("Client", found["client_name"])
    facts.add_row("Control plane", found["api_url"])
    facts.add_row("Last heartbeat", found["last_heartbeat_at"] or "none yet")
    facts.add_row("Service", found["service"] or "not installed")
    facts.add_row("Configuration", found["config"])
    facts.add_row("State", found["state_dir"])
    facts.add_row("Log", found["log"])
    console.print(facts)
    _describe_jobs(console, found["jobs"])
    if found["started_at"]:  # the file is the running process's: what another one left says nothing of now
        for job in found["jobs"]:
            _describe_transfer(console, job, datetime.now(UTC))
    _describe_faults(console, found["faults"])


def _headline(found: dict[str, Any]) -> Text:
    if not found["registered"]:
        return Text("Not registered. Type: migrate-agent --register CODE", style="bold yellow")
    if not found["running"]:
        ended = found["exit"] or {}
        if ended.get("title"):
            why = f"{ended['title']}: {ended['detail']}\n{ended['fix']}"
            return Text(f"Not running. It ended with exit code {ended['exit_code']}: {why}", style="bold yellow")
        return Text("Not running. Type: migrate-agent start --service", style="bold yellow")
    if found["stopping"]:
        return Text(f"Stopping (process {found['pid']}).", style="bold yellow")
    if found["connected"]:
        return Text(f"Running (process {found['pid']}, {found['mode']}), connected.", style="bold green")
    trouble = found["trouble"] or {}
    words = f"{trouble['title']}: {trouble['detail']}\n{trouble['fix']}" if trouble else "No heartbeat answered yet."
    return Text(f"Running (process {found['pid']}), not connected. {words}", style="bold yellow")


def _describe_jobs(console: Console, jobs: list[dict[str, Any]]) -> None:
    if not jobs:
        return
    table = Table("Job", "Phase", "Files", "From", "To", box=None, padding=(0, 2, 0, 0))
    for job in jobs:
        files = job.get("files") or {}
        done = f"{files.get('scanned', 0) - files.get('pending', 0)} of {files['scanned']}" if files else ""
        phase = f"{job['phase']} ({job['position']} before it)" if job.get("position") else job["phase"]
        table.add_row(f"{job['name']} {job['job_id']}", phase, done, job["source"], job["destination"])
    console.print(table)


def _describe_transfer(console: Console, job: dict[str, Any], now: datetime) -> None:
    """How fast a job goes that is worked on, and what holds it."""
    lines = transfer_lines(job, now)
    if not lines:
        return
    console.print(Text(printable(job["name"]), style="bold"))
    table = Table.grid(padding=(0, 2))
    for label, words in lines:
        table.add_row(f"  {label}", Text(printable(words)))
    console.print(table)


def transfer_lines(job: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Result: label and words of what the status file tells of a job's transfer; empty where no engine runs it.

    The file may be another version's: what is not there is not shown.
    """
    if "speed_bytes_per_second" not in job:
        return []
    waiting = job.get("waiting") or {}
    eta = job.get("eta_seconds")
    lines = [
        ("Throughput", rates(job["speed_bytes_per_second"], job.get("average_bytes_per_second") or 0)),
        ("Time left", duration(eta) if eta is not None else ""),
        ("Limit in force", _limit_words(job.get("limit"), now)),
        ("Requests in flight", f"up to {job['concurrency']}" if job.get("concurrency") else ""),
        ("Waits for", waiting.get("detail") or ""),
        ("Worker time", worker_time(job.get("waited_seconds") or {})),
        ("Advice", job.get("advice") or ""),
    ]
    return [(label, words) for label, words in lines if words]


def _limit_words(raw: dict[str, Any] | None, now: datetime) -> str:
    if not raw:
        return "none"
    try:
        limit = LimitInForce.model_validate_json(json.dumps(raw))
    except ValidationError:
        return ""
    what = mbps_words(limit.mbps) if limit.mbps else "paused"
    return " ".join(filter(None, (what, "by", owner_words(limit.owner), until_words(limit, now))))


def _describe_faults(console: Console, faults: list[dict[str, Any]]) -> None:
    if not faults:
        return
    console.print(Text("Last errors", style="bold"))
    for fault in reversed(faults):
        console.print(Text(f"  {fault['at']}  {_title(fault['code'])}: {fault['detail']}"))


def _title(code: str) -> str:
    try:
        return CATALOGUE[ErrorCode(code)].title
    except ValueError:
        return code
