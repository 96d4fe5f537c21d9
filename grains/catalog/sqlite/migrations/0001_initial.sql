-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970 (UTC). States are words, so that the file reads well in any SQLite shell.

-- stages: JSON, the graph of stages as it was submitted.
CREATE TABLE experiment (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    spec            TEXT    NOT NULL,
    stages          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('running', 'paused', 'succeeded', 'failed', 'cancelled')),
    priority        INTEGER NOT NULL,
    idempotency_key TEXT    UNIQUE,
    owner           TEXT,
    campaign        TEXT,
    parameters      TEXT,
    created         INTEGER NOT NULL,
    ended           INTEGER,
    CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')))
) STRICT;

CREATE INDEX experiment_running ON experiment (id) WHERE state = 'running';
CREATE INDEX experiment_of_campaign ON experiment (campaign, id) WHERE campaign IS NOT NULL;

-- Items of an experiment by kind, for metrics.
CREATE TABLE item_count (
    experiment_id INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    waiting       INTEGER NOT NULL,
    handed_out    INTEGER NOT NULL,
    done          INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    PRIMARY KEY (experiment_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL,
    mark          TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    stage         TEXT,
    text          TEXT    NOT NULL,
    UNIQUE (experiment_id, mark)
) STRICT;

CREATE INDEX event_of_experiment ON event (experiment_id, id);

-- A number is never given twice.
CREATE TABLE entry (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    owner    TEXT,
    document TEXT    NOT NULL,
    version  INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;

CREATE INDEX entry_by_number ON entry (kind, id);

-- hash: SHA-256 of the secret, hex. A secret is never used twice, so that a revoked one can not come back.
CREATE TABLE api_key (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL CHECK (role IN ('reader', 'submitter', 'operator')),
    hash    TEXT    NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT;

CREATE UNIQUE INDEX api_key_in_use ON api_key (name) WHERE revoked IS NULL;

-- state is NULL when it was cleared; the etag goes on, so that a late writer is refused.
CREATE TABLE grain (
    id    TEXT    NOT NULL,
    type  TEXT    NOT NULL,
    state BLOB,
    etag  INTEGER NOT NULL,
    PRIMARY KEY (id, type)
) STRICT, WITHOUT ROWID;
