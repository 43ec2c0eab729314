"""What a church also has in Rock and no import moves: recurring gifts, pledges, notes, custom fields."""

from __future__ import annotations

from collections.abc import Iterator

from local.church.model import Model, Person

CONFIDENTIAL = "CONFIDENTIAL: said to the pastor alone"
"""Stands in every note: nothing that an agent writes or sends may have it."""


def recurring_gifts(model: Model) -> list[Person]:
    """Result: whose; a row each."""
    return [person for person in model.people if person.aliases and person.id % 40 == 3]


def pledges(model: Model) -> list[Person]:
    """Result: whose; a row each."""
    return [person for person in model.people if person.aliases and person.id % 25 == 4]


def notes(model: Model) -> list[Person]:
    """Result: about whom; a row each."""
    return [person for person in model.people if person.id % 6 == 1]


def attributes(model: Model) -> Iterator[tuple[int, str, str | None, int | None]]:
    """Result: the rows of Attribute: id, key, Guid (None for any), entity type; two system settings come first."""
    yield 3, "RockInstanceId", model.install, None
    yield 7, "DatabaseTimestamp", None, None
    yield 12, "BaptismDate", None, 1


def attribute_values(model: Model) -> Iterator[tuple[int, int, int | None, str]]:
    """Result: the rows of AttributeValue: id, attribute, whose, value."""
    yield 3, 3, None, model.install
    yield 9, 7, None, "2026-06-28"
    for person in model.people:
        if person.id % 5 == 0:
            yield 100 + person.id, 12, person.id, "2019-04-21T00:00:00"
