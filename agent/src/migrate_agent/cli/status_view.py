"""What `migrate-agent status` shows."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migrate_agent import __version__
from migrate_agent.config import Config
from migrate_agent.runtime.instance_lock import holder
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.status import read_status
from migrate_contract.errors import CATALOGUE, ErrorCode, Fatal, MigrateError


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
