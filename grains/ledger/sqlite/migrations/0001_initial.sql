-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970 (UTC). States are words, so that the file reads well in any SQLite shell.

CREATE TABLE experiment (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    spec            TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('running', 'paused', 'succeeded', 'failed', 'cancelled')),
    priority        INTEGER NOT NULL,
    idempotency_key TEXT    UNIQUE,
    created         INTEGER NOT NULL,
    ended           INTEGER,
    CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')))
) STRICT;

CREATE INDEX experiment_in_claim_order ON experiment (priority, id) WHERE state = 'running';

-- items, done, failed and leased count the stage's work items. They are kept in the transactions that change the
-- items, so that a commit among a million items costs no scan.
CREATE TABLE stage (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    ordinal       INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    arguments     TEXT,
    needs_gpu     INTEGER NOT NULL CHECK (needs_gpu IN (0, 1)),
    needs_memory  INTEGER NOT NULL CHECK (needs_memory >= 0),
    needs_tag     TEXT,
    max_failures  INTEGER NOT NULL CHECK (max_failures >= 1),
    max_deaths    INTEGER NOT NULL CHECK (max_deaths >= 1),
    state         TEXT    NOT NULL CHECK (state IN ('waiting', 'ready', 'running', 'done', 'failed')),
    items         INTEGER NOT NULL DEFAULT 0 CHECK (items >= 0),
    done          INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    failed        INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    leased        INTEGER NOT NULL DEFAULT 0 CHECK (leased >= 0),
    error         TEXT,
    started       INTEGER,
    ended         INTEGER,
    UNIQUE (experiment_id, ordinal),
    UNIQUE (experiment_id, name),
    CHECK (done + failed + leased <= items),
    CHECK (state <> 'done' OR done = items),
    CHECK (state NOT IN ('waiting', 'ready') OR items = 0),
    CHECK ((ended IS NOT NULL) = (state IN ('done', 'failed'))),
    CHECK (error IS NULL OR state = 'failed')
) STRICT;

CREATE TABLE stage_edge (
    stage_id INTEGER NOT NULL REFERENCES stage (id),
    after_id INTEGER NOT NULL REFERENCES stage (id),
    PRIMARY KEY (stage_id, after_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX stage_edge_after ON stage_edge (after_id);

-- epoch grows with every claim and is the fence of every later write; it outlives the lease, so that a commit that is
-- repeated after its answer was lost is recognised.
CREATE TABLE work_item (
    id           INTEGER PRIMARY KEY,
    stage_id     INTEGER NOT NULL REFERENCES stage (id),
    idx          INTEGER NOT NULL CHECK (idx >= 0),
    state        TEXT    NOT NULL CHECK (state IN ('available', 'leased', 'done', 'failed')),
    available_at INTEGER NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    epoch        INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= attempt),
    failures     INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    deaths       INTEGER NOT NULL DEFAULT 0 CHECK (deaths >= 0),
    holder       TEXT,
    lease_until  INTEGER,
    fraction     REAL    NOT NULL DEFAULT 0 CHECK (fraction BETWEEN 0 AND 1),
    note         TEXT,
    checkpoint   INTEGER,
    result       TEXT,
    error        TEXT,
    ended        INTEGER,
    UNIQUE (stage_id, idx),
    CHECK ((holder IS NOT NULL) = (state = 'leased')),
    CHECK ((lease_until IS NOT NULL) = (state = 'leased')),
    CHECK ((ended IS NOT NULL) = (state IN ('done', 'failed'))),
    CHECK (state <> 'failed' OR error IS NOT NULL),
    CHECK (result IS NULL OR state = 'done')
) STRICT;

CREATE INDEX work_item_in_claim_order ON work_item (stage_id, idx) WHERE state = 'available';
CREATE INDEX work_item_leased ON work_item (lease_until) WHERE state = 'leased';
CREATE INDEX work_item_failed ON work_item (stage_id, idx) WHERE state = 'failed';

-- counts: little-endian int64. One row a name is enough where there is one writer.
CREATE TABLE partial (
    stage_id INTEGER NOT NULL REFERENCES stage (id),
    name     TEXT    NOT NULL,
    counts   BLOB    NOT NULL CHECK (length(counts) % 8 = 0),
    PRIMARY KEY (stage_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    stage         TEXT,
    text          TEXT    NOT NULL
) STRICT;

CREATE INDEX event_of_experiment ON event (experiment_id, id);
