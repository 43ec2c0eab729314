"""The import journal's tables. `record` belongs to the project and outlives its runs; everything else is a run's."""

IMPORT_SCHEMA_VERSION = 1
IMPORT_SCHEMA = """
CREATE TABLE project (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    target TEXT NOT NULL DEFAULT '',
    install TEXT NOT NULL DEFAULT ''
);
INSERT INTO project (one) VALUES (1);
CREATE TABLE record (
    entity INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    run INTEGER NOT NULL,
    status INTEGER NOT NULL,
    held INTEGER NOT NULL,
    digest BLOB NOT NULL,
    batch INTEGER NOT NULL,
    PRIMARY KEY (entity, source_id)
) WITHOUT ROWID;
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    fixed TEXT,
    current_pass TEXT NOT NULL DEFAULT 'import',
    next_row INTEGER NOT NULL DEFAULT 1,
    shipped_row INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_id, attempt)
);
CREATE TABLE tally (
    run INTEGER NOT NULL,
    pass TEXT NOT NULL,
    entity INTEGER NOT NULL,
    expected INTEGER NOT NULL,
    counts TEXT NOT NULL,
    flagged INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    PRIMARY KEY (run, pass, entity)
) WITHOUT ROWID;
CREATE TABLE log (
    run INTEGER NOT NULL,
    row INTEGER NOT NULL,
    kind TEXT NOT NULL,
    entity INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    source_table TEXT NOT NULL,
    external_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    fix TEXT NOT NULL,
    request_id TEXT,
    answer TEXT,
    batch_key TEXT,
    at REAL NOT NULL,
    PRIMARY KEY (run, row)
) WITHOUT ROWID;
CREATE UNIQUE INDEX log_once ON log (run, entity, source_id, kind, code);
CREATE TABLE document (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID
"""
"""`held`: Mission has acknowledged a version of the record. `log_once`: what a resumed page or a second pass finds
again is not logged again."""
