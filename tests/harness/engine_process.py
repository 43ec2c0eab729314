"""A copy engine in a process of its own, to be killed: `python -m tests.harness.engine_process ARGUMENTS.json`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from migrate_agent.network import Network
from migrate_agent.stop import StopSignal
from migrate_agent.store.job_journal import JobJournal
from migrate_agent.transfer.access import SasUrlAccess
from migrate_agent.transfer.engine import CopyEngine
from migrate_contract.jobs import JobSpec
from tests.harness.copy_engine import QUICK, Copy

_REPOSITORY = Path(__file__).resolve().parents[2]


class EngineProcess:
    """A running engine, and its end as a power cut would make it."""

    def __init__(self, copy: Copy) -> None:
        arguments = copy.journal_path.with_suffix(".json")
        arguments.write_text(
            json.dumps(
                {
                    "spec": copy.spec().model_dump_json(),
                    "journal": str(copy.journal_path),
                    "sas_url": copy.container.sas_url,
                    "ca_file": str(copy.container.ca_file),
                }
            )
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.engine_process", str(arguments)],
            cwd=_REPOSITORY,
            env={**os.environ, "PYTHONPATH": f"{_REPOSITORY}:{_REPOSITORY / 'agent' / 'src'}"},
            stdout=subprocess.PIPE,
        )

    def kill(self) -> None:
        """SIGKILL, and gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=30)

    def finish(self, seconds: float) -> str | None:
        """Result: what it printed at its end, None if it has not ended by itself within `seconds`."""
        try:
            printed, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        return printed.decode().strip()


def main() -> None:
    """Runs one engine and prints its phase and outcome."""
    given = json.loads(Path(sys.argv[1]).read_text())
    journal = JobJournal(Path(given["journal"]))
    engine = CopyEngine(
        JobSpec.model_validate_json(given["spec"]),
        journal,
        SasUrlAccess(given["sas_url"]),
        StopSignal(),
        network=Network(ca_file=Path(given["ca_file"])),
        settings=QUICK,
    )
    result = engine.run()
    journal.close()
    print(result.phase.value, result.outcome and result.outcome.value, result.fault)


if __name__ == "__main__":
    main()
