"""A `migrate-agent copy` in a session of its own, to be killed as a whole or in part, and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from migrate_agent.store.job_journal import JobJournal
from migrate_contract.jobs import LedgerRow
from tests.harness.agent_process import AgentProcess
from tests.harness.blob_endpoint import BlobEndpoint
from tests.harness.conditions import eventually
from tests.harness.process_tree import Process, children_of, session_of


class CopyProcess:
    """One copy: the same command each time, so that each start goes on where the last one was killed."""

    def __init__(
        self,
        home: Path,
        endpoint: BlobEndpoint,
        source: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        agent = AgentProcess(home, "", str(endpoint.ca_file))
        self._environment = agent.environment | {"MIGRATE_SAS_URL": endpoint.sas_url()} | dict(environment or {})
        self.home, self.ledger_path = home, home / "ledger.jsonl"
        self._arguments = ("copy", str(source), "--json", "--ledger", str(self.ledger_path), *arguments)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> CopyProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            for process in session_of(self._process.pid):
                process.kill()
            self._process.wait(30)

    @property
    def pid(self) -> int:
        """The main process of the last start."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """The command runs; its output goes to `copy.out` (the last run's) and `copy.err`."""
        with (self.home / "copy.out").open("wb") as out, (self.home / "copy.err").open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "migrate_agent", *self._arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        """Result: the exit code, None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def finish(self, seconds: float) -> int:
        """Result: its exit code. AssertionError with its output if it takes longer."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the copy has not ended within {seconds:.0f} s\n{self.output()}") from None

    def workers(self) -> list[Process]:
        """Result: the live processes that the main one has started."""
        return children_of(self.pid)

    def processes(self) -> list[Process]:
        """Result: every live process of the last start, orphans too."""
        return session_of(self.pid)

    def kill_all(self) -> None:
        """kill -9 of the whole group at once, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def kill_main(self) -> None:
        """kill -9 of the main process alone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def interrupt(self) -> None:
        """SIGTERM: an orderly stop is asked for."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def no_orphans(self, seconds: float = 15) -> None:
        """Returns when no process of it is left. AssertionError after so long."""
        eventually(lambda: not self.processes(), seconds=seconds, what="no process of the copy is left", every=0.02)

    def output(self) -> str:
        """Result: what the last run printed, and the errors of all runs."""
        return "".join((self.home / name).read_text(errors="replace") for name in ("copy.out", "copy.err"))[-6000:]

    def report(self) -> dict[str, Any]:
        """Result: the JSON that the last run printed."""
        parsed: dict[str, Any] = json.loads((self.home / "copy.out").read_text())
        return parsed

    def ledger(self) -> list[LedgerRow]:
        """Result: the rows that the last run wrote out."""
        lines = self.ledger_path.read_text().splitlines()
        return [LedgerRow.model_validate_json(line) for line in lines]

    def journal_rows(self) -> list[LedgerRow]:
        """Result: the ledger as it is on the disk now; [] without a journal. Only while nothing runs."""
        return [row for path in self.home.rglob("*.db") if path.stem.isdigit() for row in _rows_in(path)]


def _rows_in(path: Path) -> Iterator[LedgerRow]:
    journal = JobJournal(path)
    try:
        first = 1
        while rows := journal.ledger_rows(first, 1000):
            yield from rows
            first = rows[-1].row + 1
    finally:
        journal.close()
