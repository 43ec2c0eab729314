"""What every Tables must do; the services rely on each line of it."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from functions.adapters.tables import AzureTables
from functions.domain.ports import (
    Operation,
    PageTokenRefused,
    RowChanged,
    RowExists,
    RowMissing,
    Tables,
    Value,
    Write,
)
from local.azurite import Azurite
from migrate_contract.errors import ErrorCode, Retryable
from tests.conformance.conftest import access
from tests.memory.tables import MemoryTables


@pytest.fixture(params=["memory", "azurite"])
def tables(request: pytest.FixtureRequest) -> Tables:
    if request.param == "memory":
        return MemoryTables()
    return AzureTables(access(request.getfixturevalue("azurite")))


@pytest.fixture
def table() -> str:
    """A table that does not exist yet."""
    return "t" + uuid.uuid4().hex


def test_nothing_is_found_where_nothing_was_written(tables: Tables, table: str) -> None:
    assert tables.get(table, "p", "r") is None
    assert tables.partition(table, "p") == []
    assert tables.page(table).rows == []
    tables.delete(table, "p", "r")


def test_every_kind_of_value_comes_back_as_it_was(tables: Tables, table: str) -> None:
    values: dict[str, Value] = {
        "text": "Grüße, 世界 \U0001f600 'quoted' \"twice\"\nline",
        "empty": "",
        "small": 7,
        "large": 2**53,
        "negative": -1,
        "real": 0.25,
        "yes": True,
        "no": False,
        "bytes": b"\x00\xff",
        "at": datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC),
    }
    tables.insert(table, "p", "r", values)
    row = tables.get(table, "p", "r")
    assert row is not None
    assert dict(row.values) == values
    assert {name: type(value) for name, value in row.values.items()} == {n: type(v) for n, v in values.items()}


def test_times_are_kept_in_utc_and_must_have_a_zone(tables: Tables, table: str) -> None:
    elsewhere = datetime(2026, 3, 29, 12, 0, tzinfo=timezone(timedelta(hours=5)))
    tables.insert(table, "p", "r", {"at": elsewhere})
    row = tables.get(table, "p", "r")
    assert row is not None
    assert row.values["at"] == elsewhere
    with pytest.raises(ValueError):
        tables.insert(table, "p", "r2", {"at": datetime(2026, 3, 29)})  # noqa: DTZ001


def test_none_is_no_column(tables: Tables, table: str) -> None:
    tables.insert(table, "p", "r", {"a": None, "b": 1})
    tables.merge(table, "p", "r", {"b": None, "c": 2}, None)
    row = tables.get(table, "p", "r")
    assert row is not None
    assert dict(row.values) == {"b": 1, "c": 2}


def test_an_insert_over_a_row_is_refused(tables: Tables, table: str) -> None:
    tables.insert(table, "p", "r", {"a": 1})
    with pytest.raises(RowExists):
        tables.insert(table, "p", "r", {"a": 2})


def test_a_stale_etag_is_refused_and_changes_nothing(tables: Tables, table: str) -> None:
    first = tables.insert(table, "p", "r", {"a": 1})
    second = tables.merge(table, "p", "r", {"a": 2}, first)
    assert second != first
    for write in (
        lambda: tables.merge(table, "p", "r", {"a": 3}, first),
        lambda: tables.replace(table, "p", "r", {"a": 3}, first),
        lambda: tables.delete(table, "p", "r", first),
        lambda: tables.transact(table, "p", [Operation(Write.REPLACE, "r", {"a": 3}, first)]),
        lambda: tables.transact(table, "p", [Operation(Write.DELETE, "r", etag=first)]),
    ):
        with pytest.raises(RowChanged):
            write()
    row = tables.get(table, "p", "r")
    assert row is not None
    assert (row.values["a"], row.etag) == (2, second)


def test_a_missing_row_is_refused(tables: Tables, table: str) -> None:
    etag = tables.insert(table, "p", "r", {"a": 1})
    tables.delete(table, "p", "r", etag)
    for write in (
        lambda: tables.merge(table, "p", "r", {"a": 3}, None),
        lambda: tables.replace(table, "p", "r", {"a": 3}, etag),
        lambda: tables.transact(table, "p", [Operation(Write.MERGE, "r", {"a": 3})]),
        lambda: tables.transact(table, "p", [Operation(Write.DELETE, "r")]),
    ):
        with pytest.raises(RowMissing):
            write()


def test_a_merge_keeps_other_columns_and_a_replacement_does_not(tables: Tables, table: str) -> None:
    tables.insert(table, "p", "r", {"a": 1, "b": 1})
    etag = tables.merge(table, "p", "r", {"a": 2}, None)
    row = tables.get(table, "p", "r")
    assert row is not None
    assert dict(row.values) == {"a": 2, "b": 1}
    tables.replace(table, "p", "r", {"c": 3}, etag)
    row = tables.get(table, "p", "r")
    assert row is not None
    assert dict(row.values) == {"c": 3}
    tables.upsert(table, "p", "r", {"d": 4})
    tables.upsert(table, "p", "r2", {"d": 5})
    assert [dict(found.values) for found in tables.partition(table, "p")] == [{"d": 4}, {"d": 5}]


def test_a_partition_is_read_in_order_and_by_prefix(tables: Tables, table: str) -> None:
    for rk in ("cmd|2", "agent", "cmd|1", "beat", "cme"):
        tables.insert(table, "o|a", rk, {})
    tables.insert(table, "o|b", "cmd|9", {})
    assert [row.rk for row in tables.partition(table, "o|a")] == ["agent", "beat", "cmd|1", "cmd|2", "cme"]
    assert [row.rk for row in tables.partition(table, "o|a", prefix="cmd|")] == ["cmd|1", "cmd|2"]


def test_pages_stay_in_their_range_and_filter(tables: Tables, table: str) -> None:
    for organization in ("acme", "acme-2", "rival"):
        for number in range(3):
            row = {"state": "created" if number else "ended", "open": number == 2}
            tables.insert(table, f"{organization}|prj_{number}", "job|1", row)
            tables.insert(table, f"{organization}|prj_{number}", "prog|1", {})

    def found(**query: object) -> list[str]:
        return [f"{row.pk} {row.rk}" for row in tables.page(table, **query).rows]  # type: ignore[arg-type]

    ours = {"pk_from": "acme|", "pk_to": "acme}"}
    assert found(**ours, rk_prefix="job|") == [f"acme|prj_{number} job|1" for number in range(3)]
    assert found(**ours, where={"state": "created"}) == ["acme|prj_1 job|1", "acme|prj_2 job|1"]
    assert found(**ours, where={"state": ("ended", "other")}) == ["acme|prj_0 job|1"]
    assert found(**ours, where={"open": True}) == ["acme|prj_2 job|1"]
    assert found(**ours, where={"state": ()}) == []
    assert found(pk_from="acme|prj_1", pk_to="acme|prj_1") == ["acme|prj_1 job|1", "acme|prj_1 prog|1"]
    assert len(found()) == 18


@pytest.mark.parametrize("value", ["' or PartitionKey ne '", "a'b", "%27", "x&$top=1"])
def test_no_value_breaks_out_of_a_filter(tables: Tables, table: str, value: str) -> None:
    tables.insert(table, "p", "r", {"name": value})
    tables.insert(table, "p", "other", {"name": "else"})
    assert [row.rk for row in tables.page(table, where={"name": value}).rows] == ["r"]
    assert tables.page(table, pk_from=value, pk_to=value).rows == []


def test_pages_follow_each_other_without_gap_or_repeat(tables: Tables, table: str) -> None:
    for number in range(7):
        tables.insert(table, f"p{number % 2}", f"r{number}", {})
    seen: list[str] = []
    continuation = None
    while True:
        page = tables.page(table, limit=3, continuation=continuation)
        assert len(page.rows) <= 3
        seen += [row.rk for row in page.rows]
        continuation = page.continuation
        if continuation is None:
            break
    assert seen == ["r0", "r2", "r4", "r6", "r1", "r3", "r5"]


@pytest.mark.parametrize("token", ["", "x", "{", "17", "null"])
def test_a_token_that_is_none_is_refused(tables: Tables, table: str, token: str) -> None:
    tables.insert(table, "p", "r", {})
    with pytest.raises(PageTokenRefused):
        tables.page(table, continuation=token)


def test_a_transaction_is_all_or_nothing(tables: Tables, table: str) -> None:
    etag = tables.insert(table, "p", "job", {"state": "created"})
    tables.transact(
        table,
        "p",
        [
            Operation(Write.REPLACE, "job", {"state": "scanning"}, etag),
            Operation(Write.INSERT, "hist|1", {"n": 1}),
            Operation(Write.UPSERT, "asg", {"attempt": 1}),
        ],
    )
    assert [row.rk for row in tables.partition(table, "p")] == ["asg", "hist|1", "job"]
    row = tables.get(table, "p", "job")
    assert row is not None
    for last, refusal in (
        (Operation(Write.INSERT, "hist|1", {"n": 9}), RowExists),
        (Operation(Write.DELETE, "absent"), RowMissing),
        (Operation(Write.MERGE, "asg", {"attempt": 9}, etag), RowChanged),
    ):
        with pytest.raises(refusal):
            tables.transact(table, "p", [Operation(Write.REPLACE, "job", {"state": "running"}, row.etag), last])
        same = tables.get(table, "p", "job")
        assert same is not None
        assert (same.values["state"], same.etag) == ("scanning", row.etag)
    tables.transact(table, "p", [Operation(Write.DELETE, found.rk) for found in tables.partition(table, "p")])
    assert tables.partition(table, "p") == []


def test_a_transaction_makes_the_table_too(tables: Tables, table: str) -> None:
    tables.transact(table, "p", [Operation(Write.INSERT, "a", {"n": 1}), Operation(Write.INSERT, "b", {"n": 2})])
    assert len(tables.partition(table, "p")) == 2


def test_a_transaction_has_at_most_a_hundred_operations(tables: Tables, table: str) -> None:
    operations = [Operation(Write.INSERT, f"r{number:03d}", {}) for number in range(101)]
    for wrong in (operations, []):
        with pytest.raises(ValueError, match="100"):
            tables.transact(table, "p", wrong)
    tables.transact(table, "p", operations[:100])
    assert len(tables.partition(table, "p")) == 100


def test_of_two_conditional_writers_one_wins(tables: Tables, table: str) -> None:
    etag = tables.insert(table, "p", "r", {"winner": "none"})
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def write(name: str) -> None:
        barrier.wait()
        try:
            tables.merge(table, "p", "r", {"winner": name}, etag)
        except RowChanged:
            outcomes.append("lost")
        else:
            outcomes.append(name)

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = tables.get(table, "p", "r")
    assert row is not None
    assert sorted(outcomes) == sorted(["lost", "lost", "lost", str(row.values["winner"])])


def test_a_thousand_rows_and_more_are_one_partition(tables: Tables, table: str) -> None:
    for start in range(0, 1100, 100):
        tables.transact(
            table, "p", [Operation(Write.INSERT, f"r{number:05d}", {}) for number in range(start, start + 100)]
        )
    assert len(tables.partition(table, "p")) == 1100


def test_a_service_that_does_not_answer_is_retryable(azurite: tuple[Azurite, Path]) -> None:
    there = access(azurite)
    assert there.connection_string is not None
    port = there.connection_string.split("TableEndpoint=https://127.0.0.1:")[1].split("/")[0]
    gone = type(there)(
        connection_string=there.connection_string.replace(f"127.0.0.1:{port}", "127.0.0.1:9"), ca_file=there.ca_file
    )
    with pytest.raises(Retryable) as caught:
        AzureTables(gone).get("anything", "p", "r")
    assert caught.value.code is ErrorCode.STORAGE_UNAVAILABLE
    assert "AccountKey" not in caught.value.detail


def test_a_wrong_key_is_retryable_and_tells_no_secret(azurite: tuple[Azurite, Path]) -> None:
    there = access(azurite)
    assert there.connection_string is not None
    key = there.connection_string.split("AccountKey=")[1].split(";")[0]
    wrong = type(there)(connection_string=there.connection_string.replace(key, "A" * 84 + "=="), ca_file=there.ca_file)
    with pytest.raises(Retryable) as caught:
        AzureTables(wrong).get("anything", "p", "r")
    assert "AAAA" not in json.dumps(caught.value.detail)
