"""One generated church: its database file, its model, and what an import of it must give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.church import database
from local.church.attending import attend
from local.church.columns import rock_version
from local.church.expected import ExpectedMission, Wishes
from local.church.expecting import expect
from local.church.gatherings import gather
from local.church.giving import give
from local.church.lookups import furnish
from local.church.model import Model
from local.church.people import populate
from local.church.praying import pray
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

    model: Model = field(repr=False)

    def expected(self, wishes: Wishes, fund_ids: Mapping[str, str] | None = None) -> ExpectedMission:
        """Result: what Mission must hold after an import with these settings of the church as it is now.

        `fund_ids`: Mission's own ids of funds that are there already, by account guid in lower case.
        """
        return expect(self.model, wishes, fund_ids or {})


TIME_ZONE = "America/Chicago"
"""IANA; it has a night that lacks an hour, and one that has an hour twice."""


def build(*, seed: int, people: int = 5000, shape: Shape = Shape.CURRENT) -> Model:
    """Result: the model alone, without a file."""
    model = Model(seed, people, shape)
    for part in (furnish, populate, gather, give, attend, pray):
        part(model)
    return model


def generate(path: Path, *, seed: int, people: int = 5000, shape: Shape = Shape.CURRENT) -> Church:
    """Write a new database file to `path`; the same seed, size and shape give the same bytes in every row."""
    model = build(seed=seed, people=people, shape=shape)
    database.create(path, model)
    return Church(path, seed, people, shape, model.install, rock_version(model), TIME_ZONE, model)
