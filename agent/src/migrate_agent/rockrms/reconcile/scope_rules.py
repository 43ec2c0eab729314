"""Which of Rock's records are moved, by the rules of docs/rockrms-rules.md, as statements over the workbook's raw rows.

A second writing of the rules: the mapping has its own, in another language. The numbers in the comments (P5, G3 ...)
are the rules of that page. Rows of all entities are looked at, also of those that a job leaves out (C8).
"""

from __future__ import annotations

from datetime import date

from migrate_agent.rockrms.reconcile.workbook import Workbook
from migrate_contract.rockrms import Entity, ImportSettings

RAW_TABLES = {
    "raw_person": (
        "id INTEGER PRIMARY KEY, anonymous INT, dropped INT, campus INT, family INT, email INT, born INT, mark INT"
    ),
    "raw_phone": "id INTEGER PRIMARY KEY, person INT, usable INT, mark INT",
    "raw_group": "id INTEGER PRIMARY KEY, kind INT, anonymous INT, campus INT, closed INT, archived INT, mark INT",
    "raw_member": (
        "id INTEGER PRIMARY KEY, grp INT, person INT, role INT, inactive INT, archived INT, ord INT, mark INT"
    ),
    "raw_home": "id INTEGER PRIMARY KEY, grp INT, usable INT, mark INT",
    "raw_attendance": "id INTEGER PRIMARY KEY, person INT, day TEXT, occurrence TEXT, grp INT, campus INT, mark INT",
    "raw_prayer": "id INTEGER PRIMARY KEY, person INT, campus INT, mark INT",
    "raw_batch": "id INTEGER PRIMARY KEY, name TEXT, control INT",
}
"""Raw rows by table. `kind` of a group: 1 family, 0 a group in scope, -1 neither (roles, relationships)."""

_INDEXES = (
    "CREATE INDEX IF NOT EXISTS raw_phone_person ON raw_phone (person)",
    "CREATE INDEX IF NOT EXISTS raw_member_grp ON raw_member (grp)",
    "CREATE INDEX IF NOT EXISTS raw_home_grp ON raw_home (grp)",
    "CREATE INDEX IF NOT EXISTS line_person ON line (person)",
)
_WORK = ("campus_choice", "live", "primary_family", "attended", "named", "family_moved", "group_moved")

_PASSES = "(:all_campuses OR ({0} IS NULL AND :without) OR {0} IN (SELECT id FROM campus_choice))"

_RULES = (
    # Memberships in families that count: not archived, not inactive.
    """CREATE TABLE live AS SELECT m.grp, m.person, m.ord FROM raw_member m JOIN raw_group g ON g.id = m.grp
    WHERE g.kind = 1 AND NOT m.archived AND NOT m.inactive""",
    "CREATE INDEX live_grp ON live (grp)",
    # P11: the primary family.
    """CREATE TABLE primary_family AS SELECT person, grp FROM (
        SELECT l.person, l.grp, row_number() OVER (PARTITION BY l.person ORDER BY
            coalesce(l.grp = p.family, 0) DESC, l.ord IS NULL, l.ord, l.grp) AS place
        FROM live l JOIN raw_person p ON p.id = l.person JOIN raw_group g ON g.id = l.grp
        WHERE NOT g.archived AND NOT g.anonymous) WHERE place = 1""",
    "CREATE INDEX primary_family_person ON primary_family (person)",
    # T1, D1, C6: attendance in scope; T5: the person, if it is one.
    f"""CREATE TABLE attended AS SELECT a.id, a.occurrence, a.grp, a.day, a.mark, p.id AS person
    FROM raw_attendance a LEFT JOIN raw_group g ON g.id = a.grp
    LEFT JOIN raw_person p ON p.id = a.person AND NOT p.anonymous
    WHERE (:first_day IS NULL OR a.day >= :first_day) AND {_PASSES.format("coalesce(a.campus, g.campus)")}""",
    "CREATE INDEX attended_grp ON attended (grp)",
    "CREATE INDEX attended_person ON attended (person, occurrence)",
    # T6: one of each person and occurrence.
    """INSERT INTO record SELECT 'attendance', a.id, a.mark, coalesce(
        s.person IS NOT NULL AND s.id = (SELECT min(o.id) FROM attended o
            WHERE o.person = s.person AND o.occurrence = s.occurrence), 0), a.day
    FROM raw_attendance a LEFT JOIN attended s ON s.id = a.id""",
    # R1, R2, C4
    f"""CREATE TABLE group_moved AS SELECT g.id FROM raw_group g WHERE g.kind = 0 AND (
        EXISTS (SELECT 1 FROM attended a WHERE a.grp = g.id) OR
        ({_PASSES.format("g.campus")} AND NOT g.closed))""",
    """INSERT INTO record SELECT 'groups', g.id, g.mark + coalesce((SELECT sum(m.mark) FROM raw_member m
        WHERE m.grp = g.id), 0), g.id IN (SELECT id FROM group_moved), '' FROM raw_group g WHERE g.kind = 0""",
    # G2, G3, C3
    f"""CREATE TABLE family_moved AS SELECT g.id FROM raw_group g WHERE g.kind = 1 AND {_PASSES.format("g.campus")}
    AND NOT g.archived AND NOT g.anonymous AND (
        NOT EXISTS (SELECT 1 FROM live l WHERE l.grp = g.id) OR
        EXISTS (SELECT 1 FROM live l JOIN raw_person p ON p.id = l.person
            WHERE l.grp = g.id AND NOT p.anonymous AND NOT p.dropped))""",
    """INSERT INTO record SELECT 'families', g.id, g.mark
        + coalesce((SELECT sum(m.mark) FROM raw_member m WHERE m.grp = g.id), 0)
        + coalesce((SELECT sum(h.mark) FROM raw_home h WHERE h.grp = g.id), 0),
        g.id IN (SELECT id FROM family_moved), '' FROM raw_group g WHERE g.kind = 1""",
    # C7
    f"""INSERT INTO record SELECT 'prayer-requests', r.id, r.mark, {_PASSES.format("r.campus")}, ''
    FROM raw_prayer r""",
    # P5, C2: who is named by a row in scope.
    f"""CREATE TABLE named AS
    SELECT CAST(person AS INTEGER) AS id FROM line WHERE bucket = 'scope' AND person <> ''
    UNION SELECT person FROM attended WHERE person IS NOT NULL
    UNION SELECT l.person FROM live l WHERE l.grp IN (SELECT id FROM family_moved)
    UNION SELECT m.person FROM raw_member m WHERE NOT m.archived AND m.grp IN (SELECT id FROM group_moved)
    UNION SELECT r.person FROM raw_prayer r WHERE r.person IS NOT NULL AND {_PASSES.format("r.campus")}""",
    "CREATE UNIQUE INDEX named_id ON named (id)",
    # P2, P4, C2 with P13
    f"""INSERT INTO record SELECT 'people', p.id,
        p.mark + coalesce((SELECT sum(f.mark) FROM raw_phone f WHERE f.person = p.id), 0),
        NOT p.anonymous AND (n.id IS NOT NULL
            OR (NOT p.dropped AND {_PASSES.format("coalesce(p.campus, g.campus)")})), ''
    FROM raw_person p LEFT JOIN named n ON n.id = p.id
    LEFT JOIN primary_family f ON f.person = p.id LEFT JOIN raw_group g ON g.id = f.grp""",
)

_MEASURES = {
    (Entity.PEOPLE, "phones"): """SELECT count(*) FROM raw_phone f JOIN raw_person p ON p.id = f.person
        JOIN record r ON r.entity = 'people' AND r.id = p.id WHERE r.moved AND NOT p.dropped AND f.usable""",
    (Entity.PEOPLE, "emails"): """SELECT count(*) FROM raw_person p
        JOIN record r ON r.entity = 'people' AND r.id = p.id WHERE r.moved AND NOT p.dropped AND p.email""",
    (Entity.PEOPLE, "birth_dates"): """SELECT count(*) FROM raw_person p
        JOIN record r ON r.entity = 'people' AND r.id = p.id WHERE r.moved AND NOT p.dropped AND p.born""",
    (Entity.FAMILIES, "members"): """SELECT count(*) FROM (SELECT DISTINCT l.grp, l.person FROM live l
        JOIN raw_person p ON p.id = l.person WHERE NOT p.anonymous AND l.grp IN (SELECT id FROM family_moved))""",
    (Entity.FAMILIES, "addresses"): """SELECT count(DISTINCT h.grp) FROM raw_home h
        WHERE h.usable AND h.grp IN (SELECT id FROM family_moved)""",
    (Entity.GROUPS, "members"): """SELECT count(*) FROM (SELECT DISTINCT m.grp, m.person, m.role FROM raw_member m
        JOIN raw_person p ON p.id = m.person WHERE NOT m.archived AND NOT p.anonymous
        AND m.grp IN (SELECT id FROM group_moved))""",
}
"""What an entity's records hold, by the names that Mission counts them under."""


def start_over(workbook: Workbook) -> None:
    """Makes empty tables for the raw rows."""
    for table, columns in RAW_TABLES.items():
        workbook.run(f"DROP TABLE IF EXISTS {table}")
        workbook.run(f"CREATE TABLE {table} ({columns})")


def judge(workbook: Workbook, settings: ImportSettings) -> None:
    """Fills the workbook's records out of the raw rows; gift lines are judged as they are read."""
    for table in _WORK:
        workbook.run(f"DROP TABLE IF EXISTS {table}")
    workbook.run("DELETE FROM record")
    workbook.run("CREATE TABLE campus_choice (id INTEGER PRIMARY KEY)")
    for campus in settings.campus_ids:
        workbook.run("INSERT INTO campus_choice VALUES (?)", (campus,))
    for statement in _INDEXES:
        workbook.run(statement)
    first_day: date | None = settings.date_range_start
    given = {
        "all_campuses": int(not settings.campus_ids),
        "without": int(settings.include_without_campus),
        "first_day": first_day.isoformat() if first_day else None,
    }
    for statement in _RULES:
        workbook.run(statement, given)


def measures(workbook: Workbook, entity: Entity) -> dict[str, int]:
    """Result: how many phones, emails, members ... the entity's records hold."""
    return {
        measure: int(next(iter(workbook.query(statement)))[0])
        for (of, measure), statement in _MEASURES.items()
        if of is entity
    }
