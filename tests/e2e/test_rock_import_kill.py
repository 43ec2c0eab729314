"""An import that is killed twenty times ends as the one that nobody disturbed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.certificates import certificates_in
from local.mission.process import Mission
from local.ports import free_ports
from local.sqlserver import SqlServer
from migrate_contract.rockrms import Entity
from tests.harness.rock_import import a_church, a_spec

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = 20


class Children:
    """The process whose children are killed."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        file = folder / "import.json"
        file.write_text(json.dumps(config), "utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.import_process", str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'agent' / 'src'}"},
        )

    def run(self, kill_after: int = 0) -> dict[str, Any] | None:
        """Result: how the child ended, None where it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{kill_after}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        assert line, "the process that forks is gone"
        return None if line == "killed" else json.loads(line)

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing of it is left, whatever the test came to."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqlServer]:
    with SqlServer(a_church(tmp_path, people=120).path) as running:
        yield running


@pytest.fixture
def mission(tmp_path: Path) -> Iterator[Mission]:
    first, second = free_ports(2)
    made = Mission(tmp_path, tmp_path / "certificates", "the-integration-key-of-a-test", (first, second))
    certificates_in(tmp_path / "certificates")
    made.start()
    yield made
    made.stop()


def held(mission: Mission) -> dict[str, list[str]]:
    return {entity.value: sorted(map(repr, mission.control.records(entity.value))) for entity in Entity}


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """Result: the report without its times, and without the funds: a resumed run finds those it has made."""
    return {name: value for name, value in report.items() if name not in ("started_at", "finished_at", "funds")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process forks")
def test_killed_twenty_times_it_ends_as_the_clean_one(tmp_path: Path, server: SqlServer, mission: Mission) -> None:
    config = {
        "folder": str(tmp_path / "clean"),
        "spec": a_spec(batch_size=25).model_dump_json(),
        "rock": server.connection_string(),
        "mission": mission.url,
        "key": "the-integration-key-of-a-test",
        "ca": str(tmp_path / "certificates" / "ca.pem"),
    }
    with Children(tmp_path, config) as children:
        clean = children.run()
    assert clean is not None
    expected = held(mission)
    mission.control.clear()

    chance = random.Random(20)
    with Children(tmp_path, {**config, "folder": str(tmp_path / "killed")}) as children:
        for number in range(KILLS):
            assert children.run(chance.randrange(1, 4 + number)) is None, "it was to be killed before its end"
        ended = children.run()
    assert ended is not None
    assert held(mission) == expected, "each record once, as in the clean run"
    assert ended["entities"] == clean["entities"]
    assert (ended["phase"], ended["outcome"], ended["fault"]) == ("completed", "complete", None)
    assert comparable(ended["report"]) == comparable(clean["report"])
    assert ended["report"]["financial_match"] is True
