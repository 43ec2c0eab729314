"""What merges of people leave behind: aliases of deleted rows, people without alias, aliases of nobody."""

from __future__ import annotations

import random

from local.church.making import add_alias, moment, new_person
from local.church.model import Alias, Model
from local.church.shapes import Shape


def merge_some(model: Model, rng: random.Random) -> None:
    """Survivors with aliases of deleted rows, and what failed merges leave behind."""
    people = [person for person in model.people if person.record_type is model.values["person"] and person.first]
    chosen = rng.sample(people[2:], max(8, len(people) // 25))
    for number, person in enumerate(chosen):
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            lost = model.next_id("Person")
            add_alias(model, person, lost, model.guid("Person", lost))
            model.trap("merged-alias")
        if number % 20 == 0:
            kept = new_person(
                model, rng, "person", first=person.first, last=person.last, status=model.values["inactive"]
            )
            alias = kept.aliases.pop()
            alias.person = person
            person.aliases.append(alias)
            model.trap("merged-row-still-there")
        elif number % 20 == 1:
            for alias in person.aliases:
                model.aliases.remove(alias)
            person.aliases.clear()
            model.trap("person-without-alias")
        elif number % 20 == 2:
            row = model.next_id("PersonAlias")
            ghost = Alias(row, model.guid("PersonAlias", row), None, None, ghost_id=model.next_id("Person"))
            ghost.former_id = ghost.ghost_id
            model.aliases.append(ghost)
            model.trap("alias-of-nobody")
        elif number % 20 == 3:
            row = model.next_id("PersonAlias")
            model.aliases.append(Alias(row, model.guid("PersonAlias", row), None, None, has_row=False))
            model.trap("alias-without-row")


def track_visitors(model: Model, rng: random.Random) -> None:
    """Visitors of the web site who turned out to be somebody: aliases that no former row belongs to."""
    if model.shape is Shape.CURRENT:
        for person in rng.sample([one for one in model.people if one.aliases], max(2, model.size // 100)):
            add_alias(model, person, None).visited = moment(rng)
            model.trap("visitor-became-somebody")
