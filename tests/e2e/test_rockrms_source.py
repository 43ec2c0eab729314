"""The source on a real socket: lost connections, refusals, rereading, what was modified, ids and counts."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from local.church import Shape, generate, mutations
from local.church.church import Church
from local.sqlserver import SqlServer
from migrate_agent.rockrms.connection_string import read_connection_string
from migrate_agent.rockrms.mapping import Mapper
from migrate_agent.rockrms.quality import people_findings
from migrate_agent.rockrms.records import Mapped
from migrate_agent.rockrms.source import RockReader, SqlConnection, driver_connect
from migrate_agent.rockrms.source.scope import Scope
from migrate_agent.rockrms.source.statements import Range, Statements, compiled
from migrate_contract.errors import ErrorCode, Fatal, Retryable
from migrate_contract.rockrms import Entity, ImportSettings

EVERYTHING = ImportSettings(time_zone="America/Phoenix")


@pytest.fixture(scope="module")
def church(tmp_path_factory) -> Church:
    return generate(tmp_path_factory.mktemp("rock") / "rock.db", seed=31, people=250, shape=Shape.CURRENT)


@pytest.fixture(scope="module")
def running(church):
    with SqlServer(church.path) as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.faults.heal()


def reader_of(server: SqlServer, settings: ImportSettings = EVERYTHING) -> RockReader:
    odbc = read_connection_string(server.connection_string()).odbc()
    return RockReader(driver_connect(odbc, login_seconds=5), settings, server=server.host, database=server.name)


@pytest.fixture
def reader(server):
    found = reader_of(server)
    yield found
    found.close()


def bodies(reader: RockReader, entity: Entity) -> dict[int, bytes]:
    mapper = Mapper(reader.facts(), EVERYTHING)
    return {
        each.source_id: each.body
        for page in reader.pages(entity, 0, reader.high_water(entity))
        for each in mapper.map(entity, page)
        if isinstance(each, Mapped)
    }


def test_an_import_goes_on_at_its_key_after_every_lost_connection(server, reader):
    """Results are cut at random; what is read in the end is what a calm network gives."""
    whole = {entity: bodies(reader, entity) for entity in Entity}
    server.faults.drop_at_random(seed=5, share=0.4)
    lost = 0
    for entity in Entity:
        mapper, found, after = Mapper(reader.facts(), EVERYTHING), {}, 0
        up_to = max(whole[entity])
        while after < up_to:
            try:
                for page in reader.pages(entity, after, up_to):
                    for each in mapper.map(entity, page):
                        if isinstance(each, Mapped):
                            assert each.source_id not in found
                            found[each.source_id] = each.body
                    after = page.last_id
                break
            except Retryable as error:
                lost += error.code is ErrorCode.SQL_CONNECTION_LOST
        assert found == whole[entity]
    assert lost > 3


def test_what_may_not_be_read_ends_the_import_and_is_named(server, reader):
    reader.facts()
    server.faults.deny("PhoneNumber")
    with pytest.raises(Fatal) as caught:
        list(reader.pages(Entity.PEOPLE, 0, 10**6))
    assert caught.value.code is ErrorCode.SQL_QUERY_REFUSED
    assert "PhoneNumber" in caught.value.detail
    assert server.login.password not in str(caught.value)


def test_a_wrong_password_is_said_without_it(server):
    odbc = read_connection_string(server.connection_string(Password="of another")).odbc()
    with pytest.raises(Fatal) as caught:
        RockReader(driver_connect(odbc), EVERYTHING, server=server.host, database=server.name).facts()
    assert caught.value.code is ErrorCode.SQL_LOGIN_FAILED
    assert "of another" not in str(caught.value)


@pytest.mark.parametrize("entity", Entity)
def test_rows_are_read_again_as_they_were_read_by_pages(reader, entity):
    whole = bodies(reader, entity)
    some = sorted(whole)[::3][:400]
    page = reader.reread(entity, [*some, 10**8])
    again = {
        each.source_id: each.body
        for each in Mapper(reader.facts(), EVERYTHING).map(entity, page)
        if isinstance(each, Mapped)
    }
    assert again == {id_: whole[id_] for id_ in some}


@pytest.mark.parametrize("settings", [EVERYTHING, ImportSettings(time_zone="UTC", campus_ids=[2])], ids=["all", "one"])
def test_ids_counts_and_pages_say_the_same(server, settings):
    reader = reader_of(server, settings)
    for entity in Entity:
        up_to = reader.high_water(entity)
        paged = [row[0] for page in reader.pages(entity, 0, up_to) for row in page.rows]
        listed = [id_ for part in reader.ids(entity, 0, up_to) for id_ in part]
        assert paged == listed == sorted(set(listed))
        assert reader.count(entity, up_to) == len(listed)
        half = listed[len(listed) // 2]
        assert [id_ for part in reader.ids(entity, half, up_to) for id_ in part] == [
            each for each in listed if each > half
        ]
        assert list(reader.pages(entity, up_to, up_to)) == []
    reader.close()


def test_what_was_modified_since_is_listed_and_what_was_deleted_is_missing(tmp_path):
    church = generate(tmp_path / "rock.db", seed=32, people=150)
    with SqlServer(church.path) as server:
        reader = reader_of(server)
        marks = {entity: reader.modified_mark(entity) for entity in Entity}
        up_to = {entity: reader.high_water(entity) for entity in Entity}
        before = church.expected(EVERYTHING)
        ids = {entity: {id_ for part in reader.ids(entity, 0, up_to[entity]) for id_ in part} for entity in Entity}
        at = max(mark for mark in marks.values() if mark is not None) + timedelta(hours=1)
        rng = random.Random(2)
        for mutate in mutations.ALL:
            mutate(church, rng, at)
        differing = mutations.differing(before, church.expected(EVERYTHING))
        for entity in (Entity.PEOPLE, Entity.CONTRIBUTIONS, Entity.ATTENDANCE, Entity.PRAYER_REQUESTS):
            said = {id_ for part in reader.changed(entity, marks[entity], up_to[entity]) for id_ in part}
            missing = differing[entity.value].changed - said
            assert not missing, (entity, missing)
            now = {id_ for part in reader.ids(entity, 0, up_to[entity]) for id_ in part}
            assert differing[entity.value].gone <= ids[entity] - now
        reader.close()


def test_emails_that_several_people_have(church, server, reader):
    connection = SqlConnection(
        driver_connect(read_connection_string(server.connection_string()).odbc()), where="the test"
    )
    (found,) = people_findings(
        lambda sql, values: connection.ask(sql, values, what="quality"), reader.facts(), EVERYTHING
    )
    connection.close()
    sent = church.expected(EVERYTHING).records["people"]
    counts = Counter(
        (church_person.email or "").strip(" ").casefold()
        for church_person in church.model.people
        if church_person.id in sent and sent[church_person.id]["notes"] != ["record-type-not-moved"]
    )
    del counts[""]
    shared = {address: count for address, count in counts.items() if count > 1}
    assert found.count == len(shared) > 0
    assert found.examples[0].endswith(f": {max(shared.values())} people")
    assert all(example.startswith("rock:") and "@" not in example for example in found.examples)


def test_a_mark_of_nothing_asks_for_every_modified_row(reader):
    up_to = reader.high_water(Entity.CONTRIBUTIONS)
    every = {id_ for part in reader.changed(Entity.CONTRIBUTIONS, None, up_to) for id_ in part}
    assert len(every) > 100
    future = datetime(2200, 1, 1)  # noqa: DTZ001 - church-local
    assert list(reader.changed(Entity.CONTRIBUTIONS, future, up_to)) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_it_reads_under_snapshot_where_the_database_allows_it_and_never_writes(server, allowed):
    server.faults.snapshot_allowed = allowed
    asked_before = len(server.statements)
    reader = reader_of(server)
    assert reader.facts().snapshot is allowed
    for entity in Entity:
        assert list(reader.pages(entity, 0, reader.high_water(entity)))
    reader.close()
    asked = [statement.strip() for statement in server.statements[asked_before:]]
    assert any("ISOLATION LEVEL SNAPSHOT" in statement for statement in asked) is allowed
    assert all(statement.startswith(("SELECT ", "SET TRANSACTION ")) for statement in asked), asked
    assert not any("NOLOCK" in statement for statement in asked)


@pytest.mark.parametrize("entity", [Entity.GROUPS, Entity.PRAYER_REQUESTS])
def test_long_texts_as_bytes_are_the_same_texts(server, reader, entity):
    """What is asked where the driver cannot read a long text, against the server."""
    statements = Statements(reader.facts(), Scope(reader.facts(), EVERYTHING))
    statement, part = statements.entities[entity], Range(0, 10**6)
    connection = SqlConnection(
        driver_connect(read_connection_string(server.connection_string()).odbc()), where="the test"
    )
    asked = [
        connection.ask(*compiled(statement.page(part, as_bytes=each), statements.values(part)), what="texts")
        for each in (False, True)
    ]
    connection.close()
    assert statement.long_texts
    for position in statement.long_texts:
        texts, raw = ([row[position] for row in rows] for rows in asked)
        assert texts == [None if each is None else bytes(each).decode("utf-16-le") for each in raw]
        assert any(texts)
