"""The journal's tables. A change raises the version; an older file is then taken up by a migration, or refused."""

AGENT_SCHEMA_VERSION = 1
AGENT_SCHEMA = """
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    spec TEXT NOT NULL,
    phase TEXT NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0,
    approved INTEGER NOT NULL DEFAULT 0,
    confirmed INTEGER NOT NULL DEFAULT 0,
    reported INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    fault_code TEXT,
    fault_detail TEXT,
    position INTEGER NOT NULL,
    accepted_at REAL NOT NULL
);
CREATE TABLE commands (
    command_id TEXT PRIMARY KEY,
    result TEXT NOT NULL,
    handled_at REAL NOT NULL
)
"""

ATTEMPT_SCHEMA_VERSION = 2
ATTEMPT_SCHEMA = """
CREATE TABLE attempt (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    scan_complete INTEGER NOT NULL DEFAULT 0,
    next_row INTEGER NOT NULL DEFAULT 1,
    shipped_row INTEGER NOT NULL DEFAULT 0,
    verified_files INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0
);
INSERT INTO attempt (one) VALUES (1);
CREATE TABLE tally (
    bucket TEXT PRIMARY KEY,
    files INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    mtime_ns INTEGER,
    state INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    note TEXT,
    etag TEXT,
    md5 TEXT,
    blocks TEXT
);
CREATE TABLE ledger (
    row INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    bucket TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER,
    md5 TEXT,
    verification TEXT,
    code TEXT,
    detail TEXT,
    tries INTEGER NOT NULL,
    finished_at REAL NOT NULL
);
CREATE INDEX ledger_failed ON ledger (row) WHERE bucket = 'failed'
"""

ATTEMPT_MIGRATIONS = {
    1: """
ALTER TABLE files ADD COLUMN blocks TEXT;
ALTER TABLE files DROP COLUMN upload_id;
ALTER TABLE files DROP COLUMN block_bytes
"""
}
"""From each older version to the next one. A file of version 1 that was committed in blocks is read back by size, hash
and ETag alone."""

ATTEMPT_ADDED_COLUMNS = (("ledger", "access_tier", "TEXT"), ("ledger", "safe_to_delete", "INTEGER NOT NULL DEFAULT 0"))
"""Added where they are missing: an older agent can still read the file, so its version stays."""
ATTEMPT_ADDED_TABLES = """
CREATE TABLE IF NOT EXISTS marks (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS wanted (
    path TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS surplus (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS surplus_open ON surplus (id) WHERE settled = 0
"""
