"""Half of a surrogate pair in a long text: the driver gives no rows then, and the page is asked for as bytes."""

from typing import Any

import pytest

from migrate_agent.rockrms.source import RockReader
from migrate_contract.errors import ErrorCode, Fatal
from migrate_contract.rockrms import Entity
from tests.harness import rock_rows as rows


class Cursor:
    def __init__(self, prayers: list[list[Any]]) -> None:
        self._prayers, self._sql = prayers, ""

    def execute(self, sql: str, *values: Any) -> None:
        self._sql = sql

    def fetchall(self) -> list[list[Any]]:
        if "varbinary(max)" not in self._sql:
            raise UnicodeDecodeError("utf-16-le", b"\x00\xd8", 0, 2, "illegal UTF-16 surrogate")
        return self._prayers

    def close(self) -> None:
        pass


class Connection:
    def __init__(self, prayers: list[list[Any]]) -> None:
        self._prayers = prayers

    def cursor(self) -> Cursor:
        return Cursor(self._prayers)

    def close(self) -> None:
        pass


def reader_of(prayers: list[list[Any]]) -> RockReader:
    return RockReader(lambda: Connection(prayers), rows.settings(), server="sql", database="Rock", facts=rows.facts())


def test_it_is_replaced_and_the_page_goes_on() -> None:
    text = "Pray ".encode("utf-16-le") + b"\x3d\xd8" + " 😀".encode("utf-16-le")
    prayers = [list(rows.prayer(text=text)), list(rows.prayer(id=91, text=b"O\0k\0", answer=b"Y\0"))]
    (page,) = reader_of(prayers).pages(Entity.PRAYER_REQUESTS, 0, 100)
    assert [row[4] for row in page.rows] == ["Pray \ufffd 😀", "Ok"]
    assert [row[5] for row in page.rows] == [None, "Y"]
    assert rows.mapped(Entity.PRAYER_REQUESTS, page.rows[0])[0]["text"] == "Pray \ufffd 😀"


def test_where_there_is_no_long_text_it_is_said() -> None:
    with pytest.raises(Fatal) as caught:
        next(reader_of([]).pages(Entity.CONTRIBUTIONS, 0, 100))
    assert caught.value.code is ErrorCode.SQL_QUERY_REFUSED
    assert "Unicode" in caught.value.detail
