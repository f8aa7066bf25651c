-- Version 3: a row of the ends says where the audit log tells how an item ended, and not again what it
-- tells. That is there for every end that has a record, since the first version; the others have a state only.
-- The algorithm of its digest stays, so that whoever looks for a digest does not read records that have none.

ALTER TABLE ends RENAME TO former_ends;
DROP INDEX ends_kept;

CREATE TABLE ends (
    job              INTEGER NOT NULL,
    item             INTEGER NOT NULL,
    state            TEXT NOT NULL,
    record           INTEGER,
    position         INTEGER,
    kept             BLOB,
    digest_algorithm TEXT,
    PRIMARY KEY (job, item),
    FOREIGN KEY (job, item) REFERENCES items ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

INSERT INTO ends SELECT job, item, state, record, position, kept, digest_algorithm FROM former_ends;

DROP TABLE former_ends;

CREATE INDEX ends_kept ON ends (job, item) WHERE kept IS NOT NULL;
