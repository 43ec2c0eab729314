"""One generated church: its database file, its model, and what an import of it must give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local.church.expected import ExpectedMission, Wishes
from local.church.shapes import Shape


@dataclass
class Church:
    """The file and the model behind it; a mutation (see `mutations`) changes both."""

    path: Path
    seed: int
    people: int
    shape: Shape
    install: str
    """Guid of this Rock install, lower case: the second part of each external id."""
    rock_version: str
    time_zone: str
    """IANA name; it stands nowhere in the database."""

    def expected(self, wishes: Wishes) -> ExpectedMission:
        """Result: what Mission must hold after an import with these settings of the church as it is now."""
        raise NotImplementedError


def generate(path: Path, *, seed: int, people: int = 5000, shape: Shape = Shape.CURRENT) -> Church:
    """Write a new database file to `path`; the same seed, size and shape give the same bytes in every row."""
    raise NotImplementedError
