"""What people do to Rock: the database and the model change alike, and the expected mission tells what follows."""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from local.church import Shape, generate, mutations
from local.church.database import create
from local.church.making import TODAY
from local.church.mutations import differing
from tests.unit.local.church.test_generated_church import Settings, everything

LEFT_BEHIND = ("Note", "AttributeValue", "FinancialPledge", "FinancialScheduledTransaction")


def moved(path: Path) -> list[str]:
    """Result: every row, but for those that no import moves: they are made anew from the people."""
    alien = tuple(f'INSERT INTO "{table}"' for table in LEFT_BEHIND)
    return sorted(line for line in everything(path) if not line.startswith(alien))


@pytest.mark.parametrize("shape", [Shape.V7, Shape.CURRENT])
def test_each_changes_what_it_says_and_nothing_else(shape, tmp_path):
    church = generate(tmp_path / "rock.db", seed=4, people=60, shape=shape)
    before = church.expected(Settings())
    for place, mutate in enumerate(mutations.ALL):
        name = mutate.__name__
        change = mutate(church, random.Random(place), TODAY + timedelta(hours=place))
        after = church.expected(Settings())
        changes = differing(before, after)
        touched = changes[change.entity]
        assert touched.new | touched.changed | touched.gone == set(change.records), name
        others = {one for one, ids in changes.items() if one != change.entity and ids.new | ids.changed | ids.gone}
        assert name == "merge_people" or others == set(), name
        before = after
    create(tmp_path / "anew.db", church.model)
    assert moved(church.path) == moved(tmp_path / "anew.db")


def test_a_merge_moves_the_gifts_to_the_survivor(tmp_path):
    church = generate(tmp_path / "rock.db", seed=4, people=60)
    before = church.expected(Settings())
    change = mutations.merge_people(church, random.Random(2), TODAY)
    after = church.expected(Settings())
    survivor, loser = change.records
    moved = differing(before, after)["contributions"].changed
    assert moved
    assert all(before.records["contributions"][row]["external_person_id"].endswith(f":{loser}") for row in moved)
    assert all(after.records["contributions"][row]["external_person_id"].endswith(f":{survivor}") for row in moved)
    assert f"rock:{church.install}:Person:{loser}" in after.records["people"][survivor]["former_external_ids"]


def test_sql_by_hand_leaves_no_trace(tmp_path):
    church = generate(tmp_path / "rock.db", seed=4, people=60)
    change = mutations.edit_amount(church, random.Random(1), None)
    with sqlite3.connect(church.path) as rock:
        moved = rock.execute("SELECT ModifiedDateTime FROM FinancialTransactionDetail WHERE Id = ?", change.records)
        assert moved.fetchone()[0] < str(TODAY)
    rock.close()
