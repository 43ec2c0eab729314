"""The stack that `make up` leaves running in the background, and that `make down` finds again and ends.

Its folder is `.local`. `processes.json` names its processes by pid and birth, so that a stale file (after a
reboot, say) never ends somebody else's process; `stack.json` is for outside clients.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.identity import renew_ports, write_private_json
from local.processes import ProcessIdentity, identity_of, stop_process
from local.seed import seed
from local.stack import Stack

# Ended in this order: the control plane before what it uses.
_ORDER = ("functions_host", "mail", "storage_front", "identity", "azurite", "mission", "sql_server")
_CHURCH_PEOPLE = 300


class StackBusy(Exception):
    """Another `make up` or `make down` is at work in the same folder."""


class BackgroundStack:
    """The stack in one folder, seen from commands that come and go."""

    def __init__(self, directory: Path) -> None:
        """Use this folder; it need not exist."""
        self.directory = directory
        self.stack_file = directory / "stack.json"
        self._processes_file = directory / "processes.json"

    def up(self) -> tuple[dict[str, Any], bool]:
        """Make sure that it runs: what stack.json says, and whether it ran already.

        Raises ProcessFailed, ApiRefused or StackBusy; then nothing of it is left running.
        """
        with self._alone():
            if self.is_up():
                return self.description(), True
            self._end_processes()
            renew_ports(self.directory)
            stack = Stack(self.directory, church_people=_CHURCH_PEOPLE)
            stack.start()
            try:
                self._record(stack)
                write_private_json(self.stack_file, {**stack.description(), "seed": seed(stack).as_json()})
            except BaseException:
                stack.stop()
                raise
            for process in stack.processes.values():
                process.outlive_us()
            return self.description(), False

    def down(self) -> bool:
        """End it: whether anything was running. Its data stays for the next `up`."""
        if not self.directory.exists():
            return False
        with self._alone():
            ran = self._end_processes()
            self.stack_file.unlink(missing_ok=True)
            self._processes_file.unlink(missing_ok=True)
            return ran

    def is_up(self) -> bool:
        """Whether all of its processes run."""
        recorded = self._recorded()
        return set(recorded) == set(_ORDER) and all(process.is_alive() for process in recorded.values())

    def description(self) -> dict[str, Any]:
        """What stack.json says; raises OSError when there is none."""
        document: dict[str, Any] = json.loads(self.stack_file.read_text("utf-8"))
        return document

    def _recorded(self) -> dict[str, ProcessIdentity]:
        try:
            document = json.loads(self._processes_file.read_text("utf-8"))
            return {name: ProcessIdentity(**entry) for name, entry in document.items()}
        except FileNotFoundError:
            return {}

    def _record(self, stack: Stack) -> None:
        identities = {name: identity_of(process.pid) for name, process in stack.processes.items()}
        write_private_json(
            self._processes_file,
            {name: dataclasses.asdict(identity) for name, identity in identities.items() if identity},
        )

    def _end_processes(self) -> bool:
        recorded = self._recorded()
        alive = [recorded[name] for name in _ORDER if name in recorded and recorded[name].is_alive()]
        for process in alive:
            stop_process(process)
        return bool(alive)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                raise StackBusy(f"another command is at work in {self.directory}") from fault
            yield
