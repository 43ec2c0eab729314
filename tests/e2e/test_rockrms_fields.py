"""A whole church read over TDS and mapped: every field of every record is what the church's own model says.

The expected mission is made without the mapping's code and without its SQL, from the rules in words; so a wrong join,
a field that is dropped, a person taken for another or a date moved by a zone shows here with its record and field.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from local.church import Shape, generate, mutations
from local.church.church import Church
from local.church.people import TODAY
from local.sqlserver import SqlServer
from migrate_contract.rockrms import ImportSettings, StatusMeaning
from tests.harness.church_import import differences, listed, read_all

PEOPLE = 900


@pytest.fixture(scope="module", params=list(Shape))
def church(request, tmp_path_factory) -> Church:
    return generate(tmp_path_factory.mktemp("rock") / "rock.db", seed=21, people=PEOPLE, shape=request.param)


@pytest.fixture(scope="module")
def server(church):
    with SqlServer(church.path) as running:
        yield running


def settings(**changes: Any) -> ImportSettings:
    return ImportSettings(time_zone="America/Phoenix", **changes)


def filters(church: Church) -> dict[str, ImportSettings]:
    campuses, values = church.model.campuses, church.model.values
    opted_in = [values["pledge-gift"].guid.lower(), values["registration"].guid.lower()]
    decided = {"failed": StatusMeaning.GIFT, " PENDING": StatusMeaning.NOT_GIFT}
    return {
        "everything": settings(),
        "one campus": settings(campus_ids=[campuses[1].id], include_without_campus=False),
        "two campuses or none": settings(campus_ids=[campuses[0].id, campuses[3].id]),
        "from a date": settings(date_range_start=date(2024, 1, 1), currency="EUR"),
        "types and statuses": settings(transaction_types=opted_in, statuses=decided),
        "all at once": settings(
            campus_ids=[campuses[0].id], date_range_start=date(2025, 11, 2), transaction_types=opted_in[:1]
        ),
    }


@pytest.mark.parametrize("which", ["everything", "one campus", "from a date"])
def test_every_field_of_every_record(church, server, which):
    wishes = filters(church)[which]
    expected = church.expected(wishes)
    found = read_all(server, wishes)
    different = differences(expected, found)
    assert not different, listed(different)
    assert all(records for entity, records in found.records.items() if entity != "prayer-requests"), "nothing compared"
    assert (found.install, found.rock_version) == (church.install, church.rock_version)


@pytest.mark.parametrize("which", ["two campuses or none", "types and statuses", "all at once"])
def test_the_rarer_settings(church, server, which):
    wishes = filters(church)[which]
    different = differences(church.expected(wishes), read_all(server, wishes))
    assert not different, listed(different)


def test_a_planted_difference_in_the_database_is_found(tmp_path):
    """The same comparison, with one field of one row changed behind the model's back."""
    church = generate(tmp_path / "rock.db", seed=22, people=150)
    sent = church.expected(settings()).records
    line = next(line for line in church.model.lines if line.id in sent["contributions"])
    phone = next(person.phones[0] for person in church.model.people if sent["people"].get(person.id, {}).get("phones"))
    planted = {
        f"UPDATE FinancialTransactionDetail SET Amount = Amount + 1 WHERE Id = {line.id}": {"amount"},
        f"UPDATE PhoneNumber SET Number = '6025550000' WHERE Id = {phone.id}": {"phones[0].number"},
        "DELETE FROM GroupMember WHERE Id = (SELECT MAX(Id) FROM GroupMember WHERE GroupRoleId IN"
        " (SELECT Id FROM GroupTypeRole WHERE Name = 'Child'))": {"members"},
    }
    with SqlServer(church.path) as server:
        assert not differences(church.expected(settings()), read_all(server, settings()))
        for statement, fields in planted.items():
            mutations.behind_the_model(church, statement)
            found = {one.field for one in differences(church.expected(settings()), read_all(server, settings()))}
            assert fields <= found, statement


@pytest.mark.parametrize("shape", list(Shape))
def test_what_people_do_in_rock_arrives(shape, tmp_path):
    """Every mutation, one after the other, then read again: nothing is remembered from before."""
    church = generate(tmp_path / "rock.db", seed=23, people=200, shape=shape)
    rng, at = random.Random(3), TODAY
    with SqlServer(church.path) as server:
        for mutate in mutations.ALL:
            at += timedelta(minutes=1)
            mutate(church, rng, at)
        different = differences(church.expected(settings()), read_all(server, settings()))
    assert not different, listed(different)


def test_a_gift_without_any_date_is_an_error_and_nothing_else(tmp_path):
    church = generate(tmp_path / "rock.db", seed=24, people=60)
    header = next(header for header in church.model.headers if header.id in ordinary(church))
    mutations.lose_every_date(church, header)
    expected = church.expected(settings())
    assert {skip.code for skip in expected.errored["contributions"].values()} == {"gift-undated"}
    with SqlServer(church.path) as server:
        different = differences(expected, read_all(server, settings()))
    assert not different, listed(different)


def ordinary(church: Church) -> set[int]:
    sent = church.expected(settings()).records["contributions"].values()
    return {int(record["transaction_external_id"].rpartition(":")[2]) for record in sent}


def test_an_install_without_its_own_guid_is_known_by_its_first_alias(tmp_path):
    church = generate(tmp_path / "rock.db", seed=25, people=60, shape=Shape.V7)
    mutations.behind_the_model(church, "DELETE FROM Attribute WHERE [Key] = 'RockInstanceId'")
    church.model.install = min(church.model.aliases, key=lambda alias: alias.id).guid.lower()
    with SqlServer(church.path) as server:
        different = differences(church.expected(settings()), read_all(server, settings()))
    assert not different, listed(different)


def test_an_upgrade_that_has_dropped_the_old_columns_already(tmp_path):
    """Rows still at the placeholder occurrence then have no group, location or schedule any more."""
    church = generate(tmp_path / "rock.db", seed=26, people=120, shape=Shape.V8_MIXED)
    mutations.drop_old_attendance_columns(church)
    expected = church.expected(settings())
    keys = {record["occurrence_external_id"].rpartition(":")[2] for record in expected.records["attendance"].values()}
    assert any(key.startswith("g0-l0-s0-") for key in keys)
    with SqlServer(church.path) as server:
        different = differences(expected, read_all(server, settings()))
    assert not different, listed(different)


@pytest.mark.parametrize("seed", range(400, 408))
def test_small_churches_with_settings_drawn_by_lot(seed, tmp_path):
    rng = random.Random(seed)
    church = generate(tmp_path / "rock.db", seed=seed, people=150, shape=rng.choice(list(Shape)))
    campuses = rng.sample(church.model.campuses, rng.randrange(0, 4))
    wanted = settings(
        campus_ids=[campus.id for campus in campuses],
        include_without_campus=rng.random() < 0.5 or not campuses,
        date_range_start=rng.choice((None, date(rng.randrange(2021, 2027), rng.randrange(1, 13), 15))),
        statuses={"declined": rng.choice(list(StatusMeaning)), "failed": rng.choice(list(StatusMeaning))},
    )
    with SqlServer(church.path) as server:
        different = differences(church.expected(wanted), read_all(server, wanted))
    assert not different, listed(different)
