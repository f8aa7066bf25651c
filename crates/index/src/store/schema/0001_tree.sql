-- Version 1. What each column means is written in docs/formats/index.md.

CREATE TABLE clocks (
    clock  INTEGER PRIMARY KEY,
    boot   BLOB,
    offset INTEGER NOT NULL
) STRICT;

CREATE TABLE locations (
    location                INTEGER PRIMARY KEY AUTOINCREMENT,
    path                    BLOB    NOT NULL UNIQUE,
    volume                  TEXT,
    device                  INTEGER NOT NULL,
    boot                    BLOB,
    filesystem              TEXT    NOT NULL,
    added                   INTEGER NOT NULL,
    last_full_scan          INTEGER,
    last_modification_check INTEGER,
    watched_until           INTEGER,
    scan_status             TEXT    NOT NULL
) STRICT;

CREATE TABLE directories (
    parent            INTEGER NOT NULL,
    name              BLOB    NOT NULL,
    directory         INTEGER NOT NULL,
    location          INTEGER NOT NULL,
    depth             INTEGER NOT NULL,
    state             INTEGER NOT NULL,
    marked            INTEGER,
    seen              BLOB,
    began             INTEGER NOT NULL DEFAULT 0,
    clock             INTEGER NOT NULL DEFAULT 0,
    parts             INTEGER NOT NULL DEFAULT 0,
    own_files         INTEGER NOT NULL DEFAULT 0,
    own_bytes         INTEGER NOT NULL DEFAULT 0,
    own_directories   INTEGER NOT NULL DEFAULT 0,
    own_others        INTEGER NOT NULL DEFAULT 0,
    total_files       INTEGER NOT NULL DEFAULT 0,
    total_bytes       INTEGER NOT NULL DEFAULT 0,
    total_directories INTEGER NOT NULL DEFAULT 0,
    total_others      INTEGER NOT NULL DEFAULT 0,
    total_unknown     INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (parent, name)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX directories_by_number ON directories (directory);

CREATE TABLE listings (
    directory INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    entries   BLOB    NOT NULL,
    PRIMARY KEY (directory, part)
) STRICT;

CREATE TABLE dirty (
    depth     INTEGER NOT NULL,
    directory INTEGER NOT NULL,
    PRIMARY KEY (depth, directory)
) STRICT, WITHOUT ROWID;

CREATE TABLE numbers (
    next_directory INTEGER NOT NULL
) STRICT;

INSERT INTO numbers (next_directory) VALUES (1);
