-- Version 1. What each column means stands in docs/formats/ledger.md.
-- A version that was released is never changed: the next one is a file of its own.

CREATE TABLE jobs (
    job           INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at    INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    request       TEXT NOT NULL,
    state         TEXT NOT NULL,
    keep_replaced INTEGER NOT NULL,
    next_item     INTEGER NOT NULL DEFAULT 0,
    audit_records INTEGER NOT NULL DEFAULT 0,
    audit_head    BLOB NOT NULL
) STRICT;

CREATE TABLE runs (
    job             INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    run             INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    nonce           INTEGER NOT NULL,
    host            TEXT NOT NULL,
    pid             INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    outcome         TEXT,
    is_cleared      INTEGER NOT NULL DEFAULT 0,
    first_item      INTEGER NOT NULL,
    claimed_items   INTEGER NOT NULL,
    claimed_further INTEGER NOT NULL,
    planned         TEXT,
    sums            TEXT,
    progress        TEXT,
    PRIMARY KEY (job, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE roots (
    job         INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    mapping     INTEGER NOT NULL,
    source      TEXT,
    destination TEXT,
    PRIMARY KEY (job, mapping)
) STRICT, WITHOUT ROWID;

CREATE TABLE directories (
    directory INTEGER PRIMARY KEY AUTOINCREMENT,
    path      BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE items (
    job              INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    item             INTEGER NOT NULL,
    run              INTEGER NOT NULL,
    queue            TEXT NOT NULL,
    mapping          INTEGER NOT NULL,
    directory        INTEGER NOT NULL,
    name             BLOB NOT NULL,
    target_name      BLOB,
    kind             TEXT NOT NULL,
    action           TEXT NOT NULL,
    skip_reason      TEXT,
    source           BLOB NOT NULL,
    existing         BLOB,
    strategy         TEXT,
    link_role        TEXT NOT NULL,
    first_mapping    INTEGER,
    first_path       BLOB,
    known_digest     BLOB,
    state            TEXT NOT NULL,
    record           INTEGER,
    position         INTEGER,
    error_code       TEXT,
    size_bytes       INTEGER,
    landed_source    BLOB,
    landed_target    BLOB,
    landed_replaced  BLOB,
    kept             BLOB,
    digest_algorithm TEXT,
    digest           BLOB,
    evidence         TEXT,
    PRIMARY KEY (job, item)
) STRICT, WITHOUT ROWID;

CREATE INDEX items_by_name ON items (directory, name);

CREATE INDEX items_kept ON items (job, item) WHERE kept IS NOT NULL;

CREATE TABLE publications (
    job       INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    record    INTEGER NOT NULL,
    run       INTEGER NOT NULL,
    positions TEXT,
    PRIMARY KEY (job, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE made_directories (
    job         INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    mapping     INTEGER NOT NULL,
    path        BLOB NOT NULL,
    is_finished INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, mapping, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE refusals (
    job        INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    record     INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    source     BLOB NOT NULL,
    error_code TEXT,
    PRIMARY KEY (job, record)
) STRICT, WITHOUT ROWID;

-- With a rowid: its records are long, and nearly always appended.
CREATE TABLE audit (
    job    INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    record INTEGER NOT NULL,
    body   TEXT NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (job, record)
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'records of the audit log are never changed');
END;

CREATE TRIGGER audit_goes_with_its_job BEFORE DELETE ON audit
WHEN EXISTS (SELECT 1 FROM jobs WHERE jobs.job = OLD.job)
BEGIN
    SELECT RAISE(ABORT, 'records of the audit log are only removed with their job');
END;
