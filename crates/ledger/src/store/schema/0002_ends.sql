-- Version 2: how items end stands in a table of its own, since rows that grow cost more than rows that
-- are added; and no record of the audit log can be replaced.

ALTER TABLE items RENAME TO former_items;
DROP INDEX items_by_name;
DROP INDEX items_kept;

CREATE TABLE items (
    job           INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    item          INTEGER NOT NULL,
    run           INTEGER NOT NULL,
    queue         TEXT NOT NULL,
    mapping       INTEGER NOT NULL,
    directory     INTEGER NOT NULL,
    name          BLOB NOT NULL,
    target_name   BLOB,
    kind          TEXT NOT NULL,
    action        TEXT NOT NULL,
    skip_reason   TEXT,
    source        BLOB NOT NULL,
    existing      BLOB,
    strategy      TEXT,
    link_role     TEXT NOT NULL,
    first_mapping INTEGER,
    first_path    BLOB,
    known_digest  BLOB,
    PRIMARY KEY (job, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE ends (
    job              INTEGER NOT NULL,
    item             INTEGER NOT NULL,
    state            TEXT NOT NULL,
    record           INTEGER,
    position         INTEGER,
    skip_reason      TEXT,
    error_code       TEXT,
    size_bytes       INTEGER,
    landed_source    BLOB,
    landed_target    BLOB,
    landed_replaced  BLOB,
    kept             BLOB,
    digest_algorithm TEXT,
    digest           BLOB,
    evidence         TEXT,
    PRIMARY KEY (job, item),
    FOREIGN KEY (job, item) REFERENCES items ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

INSERT INTO items
SELECT job, item, run, queue, mapping, directory, name, target_name, kind, action, skip_reason, source,
    existing, strategy, link_role, first_mapping, first_path, known_digest
FROM former_items;

INSERT INTO ends
SELECT job, item, state, record, position, skip_reason, error_code, size_bytes, landed_source,
    landed_target, landed_replaced, kept, digest_algorithm, digest, evidence
FROM former_items WHERE state <> 'planned';

DROP TABLE former_items;

CREATE INDEX items_by_name ON items (directory, name);
CREATE INDEX ends_kept ON ends (job, item) WHERE kept IS NOT NULL;

-- What REPLACE puts out of the way is deleted without asking the trigger for that.
CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE job = NEW.job AND record = NEW.record)
    OR EXISTS (SELECT 1 FROM audit WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'records of the audit log are never replaced');
END;
