-- SPDX-License-Identifier: Apache-2.0
-- Who submitted an experiment, the campaign it belongs to and its place in the campaign's grid (a JSON object).
ALTER TABLE experiment ADD COLUMN owner TEXT;
ALTER TABLE experiment ADD COLUMN campaign TEXT;
ALTER TABLE experiment ADD COLUMN parameters TEXT;

CREATE INDEX experiment_of_campaign ON experiment (campaign, id) WHERE campaign IS NOT NULL;

-- Why no silo can run the stage.
ALTER TABLE stage ADD COLUMN blocked TEXT;

-- entry and status are JSON: the ledger only keeps what a silo says of itself.
CREATE TABLE silo (
    name      TEXT    PRIMARY KEY,
    entry     TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    started   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL CHECK (last_seen >= started)
) STRICT, WITHOUT ROWID;

-- What people keep by name: volumes, models, uploads, campaigns. A number is never given twice.
CREATE TABLE catalogue (
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

CREATE INDEX catalogue_by_number ON catalogue (kind, id);

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
