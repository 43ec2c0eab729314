"""A church's two systems beside a stack: RockRMS on a test SQL Server, and a Mission in a process of its own."""

from __future__ import annotations

from pathlib import Path

from local.church import Church, generate
from local.mission.process import Mission
from local.ports import free_ports
from local.sqlserver import SqlServer
from local.stack import Stack

KEY = "integration-key-of-the-church"
PEOPLE = 60
SEED = 11


class ChurchSite:
    """Both are up while the block runs."""

    def __init__(self, folder: Path, stack: Stack, *, people: int = PEOPLE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.church: Church = generate(folder / "rock.sqlite", seed=SEED, people=people)
        self.sql = SqlServer(self.church.path, certificates=stack.certificates)
        public, control = free_ports(2)
        self.mission = Mission(folder, stack.directory / "certificates", KEY, (public, control))

    def __enter__(self) -> ChurchSite:
        self.sql.start()
        self.mission.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.mission.stop()
        self.sql.stop()
