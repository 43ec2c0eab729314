"""`migrate-agent --register CODE` and `migrate-agent unregister`."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from migrate_agent.cli.output import DONE, exit_code_of, note, say, show_error
from migrate_agent.cli.service_start import install_service
from migrate_agent.cli.settings import Chosen, chosen_of
from migrate_agent.logs import write_logs
from migrate_agent.runtime.connection import network_of
from migrate_agent.runtime.diagnosis import keep_last_try
from migrate_agent.runtime.enrolment import enrol, forget, retire
from migrate_agent.runtime.instance_lock import is_held
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.stop_request import ask_to_stop, wait_until_stopped
from migrate_contract.errors import ErrorCode, Fatal, MigrateError, Retryable

_STOP_SECONDS = 120.0


def register(chosen: Chosen, *, code: str, name: str | None, service: bool) -> int:
    """Result: the exit code. Prints who this machine is now, and what is still to do."""
    config = chosen.config()
    write_logs(config.log_path, level=config.log_level)
    note(f"Registering with {config.api_url} ...")
    try:
        done = enrol(
            config, network_of(config), code=code, name=name, wait=threading.Event().wait, on_retry=_tell_retry
        )
    except MigrateError as error:
        if error.code is not ErrorCode.ALREADY_REGISTERED:
            keep_last_try(config.state_dir, error, datetime.now(UTC))
        raise
    keep_last_try(config.state_dir, None, datetime.now(UTC))
    found = done.credentials
    say(f"Registered as {found.agent_name} ({found.agent_id}), agent of {found.client_name}.")
    say(f"Key: {config.state_dir / 'agent.key'} (readable by this account only).")
    if done.greeted is None:
        say("The control plane has heard this agent.")
    else:
        note("The registration holds, but the first heartbeat was not answered:")
        show_error(done.greeted)
    if service:
        return install_service(config)
    say("")
    say("Nothing is running yet, so no job will start. Type:")
    say("  migrate-agent start --service    (runs now and after each boot)")
    say("  migrate-agent start              (runs in this terminal)")
    return DONE


def _tell_retry(error: Retryable, seconds: float) -> None:
    note(f"{error.title}: {error.detail}. Trying again in {seconds:.0f} s (Ctrl-C ends).")


def unregister(
    context: typer.Context,
    force: Annotated[
        bool,
        typer.Option("--force", help="Forget the registration here even if the control plane cannot be told."),
    ] = False,
) -> None:
    """End this machine's registration: stop, remove the service, retire the key, forget the journal.

    Jobs of this agent go back to waiting on the control plane. Configuration and log stay.
    """
    config = chosen_of(context).config()
    write_logs(config.log_path, level=config.log_level)
    credentials = config.credentials()
    try:
        manager = service_manager(config)
    except Fatal:
        manager = None
    if manager is not None and manager.installed():
        manager.remove()
        say(f"Service {manager.name} removed.")
    if is_held(config.state_dir):
        pid = ask_to_stop(config.state_dir)
        note(f"Stopping process {pid} ...")
        if not wait_until_stopped(config.state_dir, _STOP_SECONDS):
            raise Fatal(ErrorCode.ALREADY_RUNNING, f"process {pid} has not ended in {_STOP_SECONDS:.0f} s")
    failed: MigrateError | None = retire(config, network_of(config))
    if failed is not None:
        show_error(failed)
        if not force:
            note("Nothing was forgotten here. Try again, or add --force and revoke the agent on its page.")
            raise typer.Exit(exit_code_of(failed))
        forget(config)
    say(f"{credentials.agent_name or credentials.agent_id} is no longer an agent of this machine.")
