"""Installs the service and waits until its process is heard of."""

from __future__ import annotations

import time

from migrate_agent.cli.output import DONE, exit_code_of, note, say, show_error
from migrate_agent.config import Config
from migrate_agent.runtime.instance_lock import holder
from migrate_agent.runtime.service_choice import service_manager
from migrate_agent.runtime.status import read_status
from migrate_contract.errors import ErrorCode, Fatal

_CONNECT_SECONDS = 20.0


def install_service(config: Config) -> int:
    """Result: the exit code. The registration is kept whatever happens here."""
    running = holder(config.state_dir)
    if running and not running.get("service"):
        raise Fatal(
            ErrorCode.ALREADY_RUNNING, f"process {running.get('pid')} runs it outside a service: migrate-agent stop"
        )
    try:
        manager = service_manager(config)
        manager.install()
    except Fatal as error:
        show_error(error)
        note("The registration is kept. To run it without a service: migrate-agent start")
        return exit_code_of(error)
    say(f"Service {manager.name} is installed and started; it starts again with the machine.")
    if _connected(config):
        say("It is connected to the control plane.")
    else:
        note("It has not been heard of yet. Look at: migrate-agent status, migrate-agent logs")
    say(f"See it with: {manager.hint}")
    return DONE


def _connected(config: Config) -> bool:
    deadline = time.monotonic() + _CONNECT_SECONDS
    while time.monotonic() < deadline:
        pid = holder(config.state_dir).get("pid")
        found = read_status(config.state_dir)
        if pid is not None and found.get("pid") == pid and found.get("connected"):
            return True
        time.sleep(0.2)
    return False
