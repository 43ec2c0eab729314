"""`migrate-agent start`, `stop`, `status` and `logs`."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import Annotated, Any

import typer

from migrate_agent.cli.log_tail import Follower, lines_of
from migrate_agent.cli.output import DONE, NOT_RUNNING, exit_code_of, note, say, show_error
from migrate_agent.cli.service_start import install_service
from migrate_agent.cli.settings import chosen_of
from migrate_agent.cli.status_view import describe, gather
from migrate_agent.logs import terminal_or_none, write_logs
from migrate_agent.runtime.agent import run_agent
from migrate_agent.runtime.instance_lock import holder
from migrate_agent.runtime.service import EXIT_NO_RESTART, restore_environment
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.stop_request import ask_to_stop, wait_until_stopped
from migrate_agent.stop import StopKind, StopSignal
from migrate_contract.errors import ErrorCode, Fatal, MigrateError

_STOP_SECONDS = 150.0


def start(
    context: typer.Context,
    service: Annotated[
        bool, typer.Option("--service", help="Install and start the service of this operating system.")
    ] = False,
    as_service: Annotated[str | None, typer.Option("--as-service", metavar="KIND", hidden=True)] = None,
) -> None:
    """Run the agent: in this terminal, or with --service from now on and after each boot.

    Ctrl-C finishes what is staged, reports it, and ends; a second Ctrl-C ends at once.
    """
    chosen = chosen_of(context)
    config = chosen.config()
    if service:
        config.credentials()
        raise typer.Exit(install_service(config))
    if as_service is not None:
        restore_environment(config.state_dir)
        config = chosen.config()
    write_logs(config.log_path, level=config.log_level, terminal=terminal_or_none())
    if as_service == "windows":
        from migrate_agent.runtime.windows_dispatcher import run_under_manager

        raise typer.Exit(run_under_manager(lambda stop: _run(context, stop, as_service)))
    stop = StopSignal()
    _listen_to_signals(stop)
    raise typer.Exit(_run(context, stop, as_service))


def _run(context: typer.Context, stop: StopSignal, as_service: str | None) -> int:
    """Result: the exit code. launchd restarts whatever fails, so there an end that must stay one is a 0."""
    config = chosen_of(context).config()
    try:
        code = run_agent(config, stop, service_kind=as_service)
    except MigrateError as error:
        show_error(error)
        code = exit_code_of(error)
    return DONE if as_service == "launchd" and code == EXIT_NO_RESTART else code


def _listen_to_signals(stop: StopSignal) -> None:
    """The first signal asks for an orderly stop, the second ends the process where it stands."""

    def asked(number: int, frame: object) -> None:
        if stop.requested:
            note("Ending at once; the journal has what was done.")
            os._exit(128 + number)
        stop.request(StopKind.STOP)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        number = getattr(signal, name, None)
        # nohup has the hang-up ignored before we start, and means it.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, asked)


def stop(context: typer.Context) -> None:
    """Stop the running agent in order: what is staged is finished, reported, and kept for the next start."""
    config = chosen_of(context).config()
    running = holder(config.state_dir)
    if not running:
        raise Fatal(ErrorCode.NOT_RUNNING, f"no process holds {config.state_dir}")
    if running.get("service"):
        # A service manager would restart a process that merely got a signal.
        manager = service_manager(config)
        note(f"Stopping service {manager.name} ...")
        manager.stop()
    else:
        note(f"Stopping process {ask_to_stop(config.state_dir)} ...")
    if not wait_until_stopped(config.state_dir, _STOP_SECONDS):
        raise Fatal(ErrorCode.ALREADY_RUNNING, f"process {running.get('pid')} has not ended in {_STOP_SECONDS:.0f} s")
    say("Stopped.")


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Say whether the agent is registered, running and connected, what it does, and its last errors.

    Exits 0 where it runs, 3 where it does not.
    """
    found: dict[str, Any] = gather(chosen_of(context).config())
    if as_json:
        say(json.dumps(found, indent=2))
    else:
        describe(found)
    raise typer.Exit(DONE if found["running"] else NOT_RUNNING)


def logs(
    context: typer.Context,
    follow_it: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines are written; Ctrl-C ends.")] = False,
    job: Annotated[str | None, typer.Option("--job", metavar="ID", help="Lines of this job only.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last lines.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are: JSON objects.")] = False,
) -> None:
    """Show the agent's log (JSON lines in the state folder; `status` names the file)."""
    config = chosen_of(context).config()
    if not config.log_path.exists() and not follow_it:
        raise Fatal(ErrorCode.NOT_RUNNING, f"there is no log yet: {config.log_path}")
    shown, position = lines_of(config.log_path, job=job, last=lines)
    for line in shown:
        say(line.text(as_json=as_json))
    if follow_it:
        for line in Follower(config.log_path, position, job=job).lines(threading.Event().wait):
            say(line.text(as_json=as_json))
