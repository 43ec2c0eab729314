"""A process whose children import, and are killed: `python -m tests.harness.import_process CONFIG.json`.

Each line of its input is a number: fork a child that goes on with the import, and kill it (SIGKILL) after so many
events; 0 lets it come to its end. An event is a moment around a write: before and after a batch, a page's journal
entry, a page's reading. Its output is one line a child: `killed`, or the JSON of the end. Everything is imported once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from migrate_agent.network import Network
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.import_engine import ImportEngine
from migrate_agent.rockrms.import_run import ImportPorts
from migrate_agent.rockrms.import_wiring import real_ports
from migrate_agent.rockrms.mission.patience import Patience
from migrate_agent.stop import StopSignal
from migrate_agent.store.import_entries import REPORT
from migrate_agent.store.import_journal import ImportJournal
from migrate_contract.jobs import JobSpec
from migrate_contract.rockrms import MissionAccess
from tests.harness.rock_import import QUICK


class _Told:
    """Whatever is called on it is an event before and after."""

    def __init__(self, what: Any, pipe: int, names: frozenset[str]) -> None:
        self._what, self._pipe, self._names = what, pipe, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._what, name)
        if name not in self._names:
            return found

        def told(*values: Any, **named: Any) -> Any:
            os.write(self._pipe, b".")
            answer = found(*values, **named)
            os.write(self._pipe, b".")
            return answer

        return told


def _child(config: dict[str, Any], pipe: int) -> dict[str, Any]:
    folder = Path(config["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    spec = JobSpec.model_validate_json(config["spec"])
    access = MissionAccess(url=config["mission"], integration_key=config["key"])
    network = Network(ca_file=Path(config["ca"]))
    real = real_ports(read_connection_string(config["rock"]), access, network, folder / "workbook.db")
    opens = real.open_mission
    assert opens is not None

    def open_mission(patience: Patience) -> Any:
        return _Told(opens(patience), pipe, frozenset({"send", "create_funds", "lookup", "void"}))

    ports: ImportPorts = dataclasses.replace(real, open_mission=open_mission)
    journal = ImportJournal(folder / "project.db", spec.job_id, spec.attempt)
    told: Any = _Told(journal, pipe, frozenset({"commit", "keep", "start", "begin_pass"}))
    result = ImportEngine(spec, told, lambda _: ports, StopSignal(), limits=QUICK).run()
    text = journal.kept(REPORT)
    return {
        "phase": result.phase.value,
        "outcome": result.outcome.value if result.outcome else None,
        "fault": result.fault.model_dump() if result.fault else None,
        "entities": [found.model_dump(mode="json") for found in journal.progress()],
        "report": json.loads(text) if text else None,
    }


def _forked(config: dict[str, Any], after: int) -> str:
    reader, writer = os.pipe()
    end_reader, end_writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            ended = json.dumps(_child(config, writer))
        except BaseException:  # noqa: BLE001 - whatever it was, the parent is told
            ended = json.dumps({"broke": traceback.format_exc()})
        os.close(writer)
        with os.fdopen(end_writer, "wb") as stream:
            stream.write(ended.encode() + b"\n")
        os._exit(0)
    os.close(writer)
    os.close(end_writer)
    events = 0
    while data := os.read(reader, 1 if after else 4096):
        events += len(data)
        if events == after:
            os.kill(child, signal.SIGKILL)
            break
    os.close(reader)
    with os.fdopen(end_reader, "rb") as stream:
        ended = stream.read().decode().strip()
    os.waitpid(child, 0)
    return ended or "killed"


def main() -> None:
    """Reads numbers until the end of its input."""
    config = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for line in sys.stdin:
        print(_forked(config, int(line)), flush=True)


if __name__ == "__main__":
    main()
