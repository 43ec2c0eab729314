"""A temporary SQLite file that holds both sides of the comparison, so that memory stays flat. Knows no rule.

Ids are matched and sums are made by SQLite, money in hundredths: exact whole numbers. Keys are text; '' stands for
null on both sides. The statements put only names of this module into SQL, never a value.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from migrate_agent.store.database import translated
from migrate_contract.rockrms import Entity

_CHUNK = 5_000

_LINE_COLUMNS = 17

_SCHEMA = """
CREATE TABLE IF NOT EXISTS before (entity TEXT, id INTEGER, mark INTEGER, PRIMARY KEY (entity, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (entity TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (
    id INTEGER PRIMARY KEY, mark INTEGER, tx INTEGER, cents INTEGER, bucket TEXT, class TEXT, day TEXT, fund TEXT,
    batch TEXT, method TEXT, person TEXT, unit TEXT, origin TEXT, is_foreign INTEGER, type TEXT, status TEXT,
    account TEXT
);
CREATE TABLE IF NOT EXISTS record (
    entity TEXT, id INTEGER, mark INTEGER, moved INTEGER, day TEXT, PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (entity TEXT, id INTEGER, copies INTEGER, PRIMARY KEY (entity, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stranger (entity TEXT, external_id TEXT);
CREATE TABLE IF NOT EXISTS cell (grouping TEXT, k1 TEXT, k2 TEXT, k3 TEXT, count INTEGER, cents INTEGER);
CREATE TABLE IF NOT EXISTS aside (
    entity TEXT, id INTEGER, copy INTEGER, why TEXT, cents INTEGER, class TEXT, day TEXT, fund TEXT, batch TEXT,
    method TEXT, person TEXT, unit TEXT, PRIMARY KEY (entity, id, copy)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suspect (entity TEXT, id INTEGER, PRIMARY KEY (entity, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS checked (entity TEXT, id INTEGER, PRIMARY KEY (entity, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS finding (
    entity TEXT, id INTEGER, external_id TEXT, kind TEXT, fields TEXT, detail TEXT,
    PRIMARY KEY (entity, external_id, kind)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS finding_by_id ON finding (entity, id);
CREATE TABLE IF NOT EXISTS journal (entity TEXT, id INTEGER, kind TEXT, code TEXT, PRIMARY KEY (entity, id))
    WITHOUT ROWID;
"""
_NOT_COMPARED = ("outside", "kept")
_AFTER = ("line", "record", "held", "stranger", "cell", "aside", "suspect", "checked", "finding", "journal")


_LINES_IN_SCOPE = "(SELECT * FROM line WHERE bucket = 'scope')"
_ATTENDED_IN_SCOPE = """(SELECT a.id, a.day, CAST(a.person AS TEXT) AS person, 0 AS cents FROM attended a
    JOIN record r ON r.entity = 'attendance' AND r.id = a.id WHERE r.moved)"""


class Grouping(Enum):
    """What is added up by, on both sides: the entity, and three expressions over the columns of its records."""

    FUND_DAY = (Entity.CONTRIBUTIONS, "fund", "day", "class")
    BATCH = (Entity.CONTRIBUTIONS, "batch", "''", "''")
    METHOD_DAY = (Entity.CONTRIBUTIONS, "method", "day", "''")
    UNIT_YEAR = (Entity.CONTRIBUTIONS, "unit", "substr(day, 1, 4)", "''")
    PERSON_YEAR = (Entity.CONTRIBUTIONS, "person", "substr(day, 1, 4)", "''")
    ATTENDANCE_DAY = (Entity.ATTENDANCE, "day", "''", "''")
    ATTENDANCE_PERSON_YEAR = (Entity.ATTENDANCE, "person", "substr(day, 1, 4)", "''")

    @property
    def entity(self) -> Entity:
        """Result: whose records are added up."""
        return self.value[0]

    @property
    def keys(self) -> tuple[str, str, str]:
        """Result: the expressions."""
        return self.value[1:]

    @property
    def source(self) -> str:
        """Result: Rock's records in scope."""
        return _LINES_IN_SCOPE if self.entity is Entity.CONTRIBUTIONS else _ATTENDED_IN_SCOPE


class Cell(NamedTuple):
    """One key of a grouping with both sides: number of lines and hundredths."""

    key: tuple[str, str, str]
    source_count: int
    source_cents: int
    target_count: int
    target_cents: int

    @property
    def differs(self) -> bool:
        """Result: whether a line or a cent is not the same."""
        return self.source_count != self.target_count or self.source_cents != self.target_cents


class Finding(NamedTuple):
    """One record that is not the same on both sides.

    `kind`: missing, errored (missing, and the import says why), doubled, gone (Mission has it, Rock does not), differs,
    not-sent (the rules would not send it now), unknown (an id of this install that names nothing in Rock).
    """

    entity: Entity
    source_id: int | None
    external_id: str
    kind: str
    fields: tuple[str, ...]
    detail: str


@contextlib.contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Gives the workbook and closes it; raises Retryable(disk-full) and Fatal(journal-unreadable) for its file."""
    with translated(path), Workbook(path) as book:
        yield book


class Workbook:
    """One verification's file; used by one thread. `close(remove=True)` deletes it."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file: what was taken before the import is still there after a restart."""
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16384", "temp_store=FILE"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        self._summed: set[Grouping] = set()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self, *, remove: bool = False) -> None:
        """Closes the file, and deletes it if asked."""
        self._db.close()
        if remove:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def start_over(self) -> None:
        """Forgets everything but what was taken before the import."""
        self._summed.clear()
        with self._writing():
            for table in _AFTER:
                self._db.execute(f"DELETE FROM {table}")

    # Rock's side

    def take_before(self, entity: Entity) -> None:
        """Keeps (id, mark) of everything of an entity that was read just now as what there was before the import."""
        with self._writing():
            self._db.execute("DELETE FROM before WHERE entity = ?", (entity.value,))
            self._db.execute(
                f"INSERT INTO before SELECT :entity, id, mark FROM {self._now(entity)}", {"entity": entity.value}
            )
            self._db.execute("INSERT OR IGNORE INTO taken VALUES (?)", (entity.value,))

    def has_before(self, entity: Entity) -> bool:
        """Result: whether the entity was taken before the import."""
        return self._one("SELECT count(*) FROM taken WHERE entity = ?", entity.value) > 0

    def put_lines(self, lines: Iterable[Sequence[Any]]) -> None:
        """Keeps gift lines as they are now, in the order of the table's columns; a known id is replaced."""
        marks = ", ".join("?" * _LINE_COLUMNS)
        self._summed.clear()
        with self._writing():
            self._many(f"INSERT OR REPLACE INTO line VALUES ({marks})", lines)

    def put_records(self, entity: Entity, records: Iterable[tuple[int, int, bool, str]]) -> None:
        """Keeps (id, mark, whether it is moved, day) of another entity's records as they are now."""
        self._summed.clear()
        with self._writing():
            self._many(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)",
                ((entity.value, key, mark, int(moved), day) for key, mark, moved, day in records),
            )

    def drop(self, entity: Entity, source_ids: Iterable[int]) -> None:
        """Forgets records of the side of now, which are read again."""
        self._summed.clear()
        with self._writing():
            if entity is Entity.CONTRIBUTIONS:
                self._many("DELETE FROM line WHERE id = ?", ((key,) for key in source_ids))
            else:
                self._many(
                    "DELETE FROM record WHERE entity = ? AND id = ?", ((entity.value, key) for key in source_ids)
                )

    def changes(self, entity: Entity) -> Iterator[tuple[int, str]]:
        """Yields (id, `entered`, `edited` or `deleted`) of what is not as it was before the import."""
        if not self.has_before(entity):
            return
        now = self._now(entity)
        yield from self._rows(
            f"""
            SELECT b.id, CASE WHEN n.id IS NULL THEN 'deleted' ELSE 'edited' END
            FROM before b LEFT JOIN {now} n ON n.id = b.id
            WHERE b.entity = :entity AND (n.id IS NULL OR n.mark <> b.mark)
            UNION ALL
            SELECT n.id, 'entered' FROM {now} n
            WHERE NOT EXISTS (SELECT 1 FROM before b WHERE b.entity = :entity AND b.id = n.id)
            ORDER BY 1
            """,
            {"entity": entity.value},
        )

    def in_scope(self, entity: Entity) -> int:
        """Result: how many records this side says are moved."""
        return self._one(f"SELECT count(*) FROM {self._now(entity)} WHERE moved", {"entity": entity.value})

    # Mission's side

    def put_held(self, entity: Entity, source_ids: Iterable[int]) -> None:
        """Keeps the ids that Mission lists; one that is listed twice is doubled."""
        with self._writing():
            self._many(
                "INSERT INTO held VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET copies = copies + 1",
                ((entity.value, key) for key in source_ids),
            )

    def put_strangers(self, entity: Entity, external_ids: Iterable[str]) -> None:
        """Keeps external ids of this install that name none of the entity's tables."""
        with self._writing():
            self._many("INSERT INTO stranger VALUES (?, ?)", ((entity.value, text) for text in external_ids))

    def strangers(self, entity: Entity) -> list[str]:
        """Result: those ids."""
        return [row[0] for row in self._rows("SELECT external_id FROM stranger WHERE entity = ?", (entity.value,))]

    def put_cells(self, grouping: Grouping, cells: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Keeps Mission's totals: three parts of the key, number, hundredths."""
        self._summed.clear()
        with self._writing():
            self._many("INSERT INTO cell VALUES (?, ?, ?, ?, ?, ?)", ((grouping.name, *cell) for cell in cells))

    def put_aside(self, why: str, copies: Iterable[Sequence[Any]]) -> None:
        """Keeps copies as Mission has them, in the order of the table's columns, all with one reason.

        `why` outside and kept: they are not part of the comparison; gone, differs and doubled: they are.
        """
        if why in _NOT_COMPARED:
            self._summed.clear()
        with self._writing():
            self._many(f"INSERT OR REPLACE INTO aside VALUES ({', '.join('?' * 12)})", copies)

    def set_aside(self, entity: Entity) -> int:
        """Result: how many copies are not part of the comparison."""
        return self._one("SELECT count(*) FROM aside WHERE entity = ? AND why IN ('outside', 'kept')", entity.value)

    def held(self, entity: Entity) -> int:
        """Result: how many records Mission lists, doubled ones as often as it does."""
        copies = self._one("SELECT coalesce(sum(copies), 0) FROM held WHERE entity = ?", entity.value)
        strangers = self._one("SELECT count(*) FROM stranger WHERE entity = ?", entity.value)
        return copies + strangers

    # Both

    def missing(self, entity: Entity) -> Iterator[tuple[int, str | None]]:
        """Yields (id, the code if the import says that it errored) of what is in scope in Rock and not in Mission."""
        yield from self._rows(
            f"""SELECT n.id, j.code FROM {self._now(entity)} n
            LEFT JOIN journal j ON j.entity = :entity AND j.id = n.id AND j.kind = 'errored'
            WHERE n.moved AND NOT EXISTS (SELECT 1 FROM held h WHERE h.entity = :entity AND h.id = n.id)
            ORDER BY n.id""",
            {"entity": entity.value},
        )

    def doubled(self, entity: Entity) -> Iterator[tuple[int, int]]:
        """Yields (id, copies) of what Mission holds more than once."""
        yield from self._rows(
            "SELECT id, copies FROM held WHERE entity = ? AND copies > 1 ORDER BY id", (entity.value,)
        )

    def surplus(self, entity: Entity) -> Iterator[tuple[int, bool]]:
        """Yields (id, whether Rock still has it) of what Mission holds and this import does not move."""
        for key, known in self._rows(
            f"""SELECT h.id, EXISTS (SELECT 1 FROM {self._now(entity)} n WHERE n.id = h.id) FROM held h
            WHERE h.entity = :entity AND NOT EXISTS
            (SELECT 1 FROM {self._now(entity)} n WHERE n.id = h.id AND n.moved) ORDER BY h.id""",
            {"entity": entity.value},
        ):
            yield key, bool(known)

    def both(self, entity: Entity) -> Iterator[int]:
        """Yields the ids that both sides have, in order."""
        for row in self._rows(
            f"""SELECT n.id FROM {self._now(entity)} n JOIN held h ON h.entity = :entity AND h.id = n.id
            WHERE n.moved ORDER BY n.id""",
            {"entity": entity.value},
        ):
            yield row[0]

    def cells(self, grouping: Grouping, *, only_differing: bool = False) -> Iterator[Cell]:
        """Yields every key of a grouping with both sides, in order. Added up once, until one of the sides changes."""
        if grouping not in self._summed:
            self._sum(grouping)
        differing = "WHERE sn <> tn OR sc <> tc" if only_differing else ""
        for a, b, c, *sums in self._rows(
            f"SELECT k1, k2, k3, sn, sc, tn, tc FROM sum_{grouping.name} {differing} ORDER BY rowid"
        ):
            yield Cell((a, b, c), *sums)

    def _sum(self, grouping: Grouping) -> None:
        k1, k2, k3 = grouping.keys
        table = f"sum_{grouping.name}"
        self._db.execute(f"DROP TABLE IF EXISTS {table}")
        self._db.execute(f"CREATE TABLE {table} (k1 TEXT, k2 TEXT, k3 TEXT, sn INT, sc INT, tn INT, tc INT)")
        self._db.execute(
            f"""
            INSERT INTO {table} SELECT k1, k2, k3, sum(sn), sum(sc), sum(tn), sum(tc) FROM (
                SELECT {k1} AS k1, {k2} AS k2, {k3} AS k3, 1 AS sn, cents AS sc, 0 AS tn, 0 AS tc
                    FROM {grouping.source}
                UNION ALL SELECT {k1}, {k2}, {k3}, 0, 0, -1, -cents FROM aside
                    WHERE entity = :entity AND why IN ('outside', 'kept')
                UNION ALL SELECT k1, k2, k3, 0, 0, count, cents FROM cell WHERE grouping = :grouping
            ) GROUP BY k1, k2, k3 ORDER BY k1, k2, k3
            """,
            {"grouping": grouping.name, "entity": grouping.entity.value},
        )
        self._summed.add(grouping)

    def suspect(self, entity: Entity, source_ids: Iterable[int]) -> None:
        """Remembers ids that are to be read back."""
        with self._writing():
            self._many("INSERT OR IGNORE INTO suspect VALUES (?, ?)", ((entity.value, key) for key in source_ids))

    def suspect_sums(self, grouping: Grouping, keys: int, limit: int) -> None:
        """Remembers Rock's records under the first `keys` sums that differ, at most `limit`, in one pass over them."""
        self._db.execute("DROP TABLE IF EXISTS unlike")
        self._db.execute("CREATE TABLE unlike (k1 TEXT, k2 TEXT, k3 TEXT, PRIMARY KEY (k1, k2, k3)) WITHOUT ROWID")
        unlike = islice((cell.key for cell in self.cells(grouping, only_differing=True)), keys)
        self.put("INSERT INTO unlike VALUES (?, ?, ?)", unlike)
        k1, k2, k3 = grouping.keys
        # CROSS JOIN: SQLite keeps this order, one pass over the records with a look into the few keys for each.
        self._db.execute(
            f"""INSERT OR IGNORE INTO suspect SELECT ?, s.id FROM {grouping.source} s
            CROSS JOIN unlike u ON u.k1 = {k1} AND u.k2 = {k2} AND u.k3 = {k3} LIMIT ?""",
            (grouping.entity.value, limit),
        )

    def unchecked(self, entity: Entity) -> Iterator[int]:
        """Yields suspects that were not read back yet."""
        for row in self._rows(
            """SELECT id FROM suspect s WHERE entity = :entity AND NOT EXISTS
            (SELECT 1 FROM checked c WHERE c.entity = :entity AND c.id = s.id) ORDER BY id""",
            {"entity": entity.value},
        ):
            yield row[0]

    def mark_checked(self, entity: Entity, source_ids: Iterable[int]) -> None:
        """These were read back and compared."""
        with self._writing():
            self._many("INSERT OR IGNORE INTO checked VALUES (?, ?)", ((entity.value, key) for key in source_ids))

    def put_journal(self, entity: Entity, kind: str, rows: Iterable[tuple[int, str]]) -> None:
        """Keeps (id, code) of what the import says it left out (`skipped`) or could not bring over (`errored`)."""
        with self._writing():
            self._many(
                "INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?)",
                ((entity.value, key, kind, code) for key, code in rows),
            )

    def find(self, findings: Iterable[Finding]) -> None:
        """Keeps records that are not the same on both sides."""
        with self._writing():
            self._many(
                "INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?, ?)",
                ((f.entity.value, f.source_id, f.external_id, f.kind, ",".join(f.fields), f.detail) for f in findings),
            )

    def findings(self, entity: Entity | None = None) -> Iterator[Finding]:
        """Yields what was found, of one entity or of all."""
        for row in self._rows(
            "SELECT * FROM finding WHERE ?1 IS NULL OR entity = ?1 ORDER BY entity, id, external_id",
            (None if entity is None else entity.value,),
        ):
            yield Finding(Entity(row[0]), row[1], row[2], row[3], tuple(filter(None, row[4].split(","))), row[5])

    def run(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> None:
        """Executes one statement of the rules."""
        self._db.execute(statement, parameters)

    def put(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Executes one statement for each row, in one transaction."""
        with self._writing():
            self._many(statement, rows)

    def found(self, entity: Entity, kinds: Sequence[str]) -> Iterator[list[int]]:
        """Yields ids of what was found of these kinds, some thousand at a time."""
        marks = ", ".join("?" * len(kinds))
        rows = self._rows(
            f"SELECT DISTINCT id FROM finding WHERE entity = ? AND id IS NOT NULL AND kind IN ({marks}) ORDER BY id",
            (entity.value, *kinds),
        )
        while part := [row[0] for row in islice(rows, _CHUNK)]:
            yield part

    def query(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Iterator[Any]:
        """Yields the rows of a statement over the tables above, for the sums of one page (bridge, quality)."""
        return self._rows(statement, parameters)

    def _now(self, entity: Entity) -> str:
        if entity is Entity.CONTRIBUTIONS:
            return "(SELECT id, mark, bucket = 'scope' AS moved FROM line)"
        return "(SELECT id, mark, moved FROM record WHERE entity = :entity)"

    def _rows(self, statement: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> Iterator[Any]:
        cursor = self._db.execute(statement, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows

    def _one(self, statement: str, parameter: object) -> int:
        row = self._db.execute(statement, parameter if isinstance(parameter, dict) else (parameter,)).fetchone()
        return int(row[0])

    def _many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        iterator = iter(rows)
        while chunk := list(islice(iterator, _CHUNK)):
            self._db.executemany(statement, chunk)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
