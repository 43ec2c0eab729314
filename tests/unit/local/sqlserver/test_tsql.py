"""T-SQL as SQL Server means it, in SQLite: exact, typed, or refused."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from local.sqlserver.catalog import Catalog
from local.sqlserver.cells import Cell
from local.sqlserver.execution import bound, open_connection
from local.sqlserver.parameters import Value
from local.sqlserver.sql_error import NotUnderstood, SqlError
from local.sqlserver.sql_types import Kind, SqlType, declared
from local.sqlserver.tsql import translate
from tests.harness.small_rock import gift, small_rock

PEOPLE = 60

Ask = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, Catalog]]:
    path = small_rock(tmp_path_factory.mktemp("rock") / "rock.sqlite", people=PEOPLE)
    plain = sqlite3.connect(path)
    catalog = Catalog(plain, "RockRMS")
    plain.close()
    functions: dict[str, tuple[int, Callable[..., Cell]]] = {
        "session_db_name": (0, lambda: "RockRMS"),
        "session_variable": (1, lambda name: 0),
    }
    connection = open_connection(path, catalog, functions)
    yield connection, catalog
    connection.close()


@pytest.fixture
def ask(database: tuple[sqlite3.Connection, Catalog]) -> Ask:
    connection, catalog = database

    def run(sql: str, **parameters: tuple[str, Value]) -> list[tuple[object, ...]]:
        types = {name.lower(): declared(kind) for name, (kind, _) in parameters.items()}
        values = {name.lower(): value for name, (_, value) in parameters.items()}
        translation = translate(catalog, sql, types)
        binds = {bind.slot: bound(values[bind.parameter], bind.type) for bind in translation.binds}
        rows = connection.execute(translation.sql, binds).fetchall()
        return [
            tuple(_value(cell, kind) for cell, (_, kind) in zip(row, translation.columns, strict=True)) for row in rows
        ]

    return run


def _value(cell: object, kind: SqlType) -> object:
    if isinstance(cell, int) and kind.scale:
        return Decimal(cell).scaleb(-kind.scale)
    return cell


def types_of(database: tuple[sqlite3.Connection, Catalog], sql: str) -> list[SqlType]:
    return [kind for _, kind in translate(database[1], sql, {}).columns]


GIFTS = {number: gift(number) for number in range(1, 5 * PEOPLE + 1)}


def test_decimals_are_compared_and_summed_to_the_cent(ask: Ask) -> None:
    assert ask("SELECT SUM(Amount) FROM Gift") == [(sum(GIFTS.values()),)]
    positive = {number: amount for number, amount in GIFTS.items() if amount > Decimal("10.01")}
    assert ask("SELECT COUNT(*), SUM(Amount) FROM Gift WHERE Amount > 10.01") == [
        (len(positive), sum(positive.values()))
    ]
    assert ask("SELECT COUNT(*) FROM Gift WHERE Amount >= @p", p=("decimal(5,3)", Decimal("10.010"))) == [
        (sum(amount >= Decimal("10.010") for amount in GIFTS.values()),)
    ]
    assert ask("SELECT COUNT(*) FROM Gift WHERE Amount = @p", p=("nvarchar(20)", str(GIFTS[3]))) == [(1,)]
    assert ask("SELECT TOP (3) Id FROM Gift ORDER BY Amount DESC, Id") == [
        (number,) for number in sorted(GIFTS, key=lambda number: (-GIFTS[number], number))[:3]
    ]


def test_decimals_keep_their_scale_through_expressions(ask: Ask, database: tuple[sqlite3.Connection, Catalog]) -> None:
    sql = (
        "SELECT SUM(CASE WHEN Amount > 0 THEN Amount ELSE 0 END), SUM(Amount - Fee), MIN(-Amount), SUM(Amount * 2), "
        "ISNULL(SUM(CASE WHEN Id < 0 THEN Amount END), 0), CAST(SUM(Amount) AS decimal(18,4)) FROM Gift"
    )
    assert ask(sql) == [
        (
            sum(amount for amount in GIFTS.values() if amount > 0),
            sum(amount - Decimal(number).scaleb(-4) for number, amount in GIFTS.items()),
            min(-amount for amount in GIFTS.values()),
            2 * sum(GIFTS.values()),
            Decimal("0.00"),
            sum(GIFTS.values()),
        )
    ]
    assert types_of(database, sql)[0] == SqlType(Kind.DECIMAL, precision=38, scale=2)
    assert ask("SELECT CAST(1.005 AS decimal(9,2)), CAST(-1.005 AS decimal(9,2)), CAST(2.9 AS int)") == [
        (Decimal("1.01"), Decimal("-1.01"), 2)
    ]


def test_text_is_compared_without_case_and_trailing_blanks(ask: Ask) -> None:
    anna = sum(number % 6 in (3, 4) for number in range(1, PEOPLE + 1))
    assert ask("SELECT COUNT(*) FROM Person WHERE FirstName = 'Anna   '") == [(anna,)]
    assert ask("SELECT COUNT(*) FROM Person WHERE FirstName IN (N'ZOË', 'BOB')") == [(30,)]
    assert ask("SELECT COUNT(DISTINCT FirstName) FROM Person") == [(3,)]
    assert ask("SELECT COUNT(*), MIN(Id) FROM Person GROUP BY FirstName ORDER BY MIN(Id)") == [
        (20, 1),
        (10, 2),
        (20, 3),
        (10, 5),
    ]
    assert ask("SELECT COUNT(*) FROM Person WHERE FirstName LIKE '%[nb]%'") == [(30,)]
    assert ask("SELECT LEN('ab  '), LEN(N' ab')") == [(2, 3)]


def test_null_comes_first_and_equals_nothing(ask: Ask) -> None:
    assert ask("SELECT TOP (1) FirstName FROM Person ORDER BY FirstName") == [(None,)]
    assert ask("SELECT COUNT(*) FROM Person WHERE FirstName = NULL OR FirstName <> 'x'") == [(50,)]
    assert ask("SELECT COUNT(*) FROM Person WHERE FirstName NOT IN ('x', NULL)") == [(0,)]
    assert ask("SELECT ISNULL(FirstName, 'none'), 'a' + FirstName FROM Person WHERE Id = 2") == [("none", None)]


def test_dates(ask: Ask) -> None:
    assert ask(
        "SELECT CAST(ModifiedDateTime AS date), YEAR(ModifiedDateTime), DATEPART(month, ModifiedDateTime), "
        "DATEADD(day, 30, BirthDate), DATEDIFF(day, BirthDate, ModifiedDateTime), CONVERT(varchar(10), BirthDate, 23) "
        "FROM Person WHERE Id = 15"
    ) == [("2023-01-02", 2023, 1, "1980-02-15", 15692, "1980-01-16")]
    moment = dt.datetime(2023, 1, 2, 0, 30, 0, 123000)  # noqa: DTZ001 - church-local
    assert ask("SELECT MIN(Id) FROM Person WHERE ModifiedDateTime >= @p", p=("datetime", moment)) == [(15,)]
    assert ask("SELECT MIN(Id) FROM Person WHERE ModifiedDateTime >= '2023-01-02'") == [(15,)]
    assert ask("SELECT MIN(Id) FROM Person WHERE ModifiedDateTime >= @p", p=("date", dt.date(2023, 1, 2))) == [(15,)]


def test_a_datetime_cursor_reads_rows_again_as_on_sql_server(ask: Ask) -> None:
    """`datetime` counts thirds of 10 ms: .123 is .1233333 beside a datetime2, so > finds the same row again."""
    seen = dt.datetime(2023, 1, 2, 0, 30, 0, 123000)  # noqa: DTZ001 - church-local
    assert ask("SELECT MIN(Id) FROM Person WHERE ModifiedDateTime > @p", p=("datetime2(7)", seen)) == [(15,)]
    assert ask("SELECT MIN(Id) FROM Person WHERE ModifiedDateTime > @p", p=("datetime", seen)) == [(16,)]


def test_guids_are_compared_whatever_their_case(ask: Ask) -> None:
    guid = ask("SELECT Guid FROM Person WHERE Id = 30")[0][0]
    assert ask(f"SELECT Id FROM Person WHERE Guid = '{str(guid).lower()}'") == [(30,)]
    assert ask("SELECT Id FROM Person WHERE Guid IN (@p)", p=("nvarchar(36)", str(guid).lower())) == [(30,)]


def test_joins_subqueries_and_windows(ask: Ask) -> None:
    assert ask(
        "SELECT p.Id, (SELECT COUNT(*) FROM Gift g WHERE g.PersonId = p.Id) AS n FROM Person AS p "
        "WHERE EXISTS (SELECT 1 FROM Gift x WHERE x.PersonId = p.Id AND x.Amount > 0) AND p.Id <= 2 ORDER BY n, p.Id"
    ) == [(1, 5), (2, 5)]
    best = max((number for number in GIFTS if 1 + number % PEOPLE == 7), key=lambda number: GIFTS[number])
    assert ask(
        "SELECT p.Id, best.Id, best.Amount FROM Person p OUTER APPLY "
        "(SELECT TOP (1) g.Id, g.Amount FROM Gift g WHERE g.PersonId = p.Id ORDER BY g.Amount DESC) best WHERE p.Id = 7"
    ) == [(7, best, GIFTS[best])]
    assert ask(
        "WITH ranked AS (SELECT g.Id, g.PersonId, ROW_NUMBER() OVER (PARTITION BY g.PersonId ORDER BY g.Id DESC) AS n "
        "FROM Gift g) SELECT Id FROM ranked WHERE n = 1 AND PersonId <= 2 ORDER BY PersonId"
    ) == [(300,), (241,)]
    assert ask("SELECT v.x FROM (VALUES (1), (3), (2)) AS v(x) ORDER BY v.x OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY") == [
        (2,)
    ]
    assert ask("SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 1.5") == [
        (Decimal("1.0"),),
        (Decimal("2.0"),),
        (Decimal("1.5"),),
    ]


def test_a_subquery_with_several_rows_is_an_error(ask: Ask) -> None:
    with pytest.raises(sqlite3.OperationalError):
        ask("SELECT (SELECT g.Id FROM Gift g WHERE g.PersonId = p.Id) FROM Person p WHERE p.Id = 1")


def test_columns_of_the_catalog(ask: Ask) -> None:
    assert ask(
        "SELECT c.COLUMN_NAME, c.DATA_TYPE, c.NUMERIC_SCALE FROM INFORMATION_SCHEMA.COLUMNS c WHERE c.TABLE_NAME = @t "
        "AND c.TABLE_SCHEMA = 'DBO' ORDER BY c.ORDINAL_POSITION",
        t=("nvarchar(128)", "gift"),
    )[2:4] == [("Amount", "decimal", 2), ("Fee", "decimal", 4)]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SELECT Nothing FROM Person", 207),
        ("SELECT p.Nothing FROM Person p", 207),
        ("SELECT q.Id FROM Person p", 4104),
        ("SELECT Id FROM Nobody", 208),
        ("SELECT Id FROM Person JOIN Gift ON 1 = 1", 209),
        ("SELECT Id FROM Person WHERE IsDeceased", 4145),
        ("SELECT FirstName, COUNT(*) FROM Person", 8120),
        ("SELECT YEAR(BirthDate), COUNT(*) FROM Person GROUP BY BirthDate, FirstName HAVING MAX(IsDeceased) = 1", 8117),
        ("SELECT Guid, MAX(Guid) FROM Person GROUP BY Guid", 8117),
        ("SELECT Id FROM Person WHERE Id = @missing", 137),
        ("SELECT Id FROM Person WHERE BirthDate > 'yesterday'", 8114),
        ("SELECT (SELECT Id, FirstName FROM Person) AS x", 116),
        ("SELECT Id FROM (SELECT COUNT(*) FROM Person) AS x", 8155),
        ("SELEC Id FROM Person", 102),
        ("SELECT x.Id FROM (SELECT Id FROM Person ORDER BY Id) AS x", 1033),
        ("SELECT DISTINCT FirstName FROM Person ORDER BY Id", 145),
        ("SELECT SUM(CASE WHEN EXISTS (SELECT 1 FROM Gift) THEN 1 ELSE 0 END) FROM Person", 130),
        ("SELECT (SELECT SUM(g.Amount + p.Id) FROM Gift g) FROM Person p", 8124),
        ("SELECT COUNT(*) FROM Person GROUP BY (SELECT 1)", 144),
        ("SELECT COUNT(*) FROM Person GROUP BY 1", 164),
        ("SELECT Id AS Key FROM Person", 156),
    ],
)
def test_errors_of_sql_server(ask: Ask, sql: str, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        ask(sql)
    assert caught.value.number == number


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM Person",
        "UPDATE Person SET FirstName = 'x'",
        "SELECT * INTO Copy FROM Person",
        "SELECT Shape FROM Person",
        "SELECT HASHBYTES('MD5', FirstName) FROM Person",
        "SELECT AVG(Amount) FROM Gift",
        "SELECT Amount / 3 FROM Gift",
        "SELECT Id FROM Person FOR XML AUTO",
        "SELECT Id FROM Person ORDER BY 1",
        "SELECT TOP (10) PERCENT Id FROM Person",
        "SELECT TOP (10) WITH TIES Id FROM Person ORDER BY Id",
        "SELECT CAST(ModifiedDateTime AS varchar(30)) FROM Person",
        "SELECT p.Id FROM Person p, Gift g",
        "SELECT Id FROM Person WITH (TABLOCKX)",
        "SELECT Id FROM Person WHERE FirstName > 5.5E0",
        "SELECT DW + 1 FROM EveryType",
        "SELECT Id FROM Person p CROSS APPLY (SELECT g.Amount FROM Gift g WHERE g.PersonId = p.Id) x",
        "SELECT Id FROM sys.objects",
        "SELECT Id FROM Person OPTION (USE HINT('x'))",
        "SELECT FirstName COLLATE Latin1_General_BIN FROM Person",
        "SELECT 1; SELECT 2",
    ],
)
def test_what_is_not_known_is_refused(ask: Ask, sql: str) -> None:
    with pytest.raises(SqlError) as caught:
        ask(sql)
    assert isinstance(caught.value, NotUnderstood) or caught.value.number in (102, 40_510), caught.value


def test_the_file_cannot_be_written_to(database: tuple[sqlite3.Connection, Catalog]) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database[0].execute("UPDATE main.Person SET FirstName = 'x'")


def test_the_path_of_the_file_may_hold_anything(tmp_path: Path) -> None:
    path = small_rock(tmp_path / "a? #b%20.sqlite", people=3)
    connection = open_connection(path, None, {})
    assert connection.execute("SELECT COUNT(*) FROM Person").fetchone() == (3,)
    connection.close()
