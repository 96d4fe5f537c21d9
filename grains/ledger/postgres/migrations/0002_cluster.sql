-- SPDX-License-Identifier: Apache-2.0
-- entry and status are JSON: the ledger only keeps what a silo says of itself.
-- Each silo writes its row with every beat; the free half of the page keeps the new row beside the old one.
CREATE TABLE silo (
    name      text   PRIMARY KEY,
    entry     text   NOT NULL,
    status    text   NOT NULL,
    started   bigint NOT NULL,
    last_seen bigint NOT NULL CHECK (last_seen >= started)
) WITH (fillfactor = 50);

-- What people keep by name: volumes, models, uploads, campaigns. A number is never given twice.
CREATE TABLE catalogue (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text   NOT NULL,
    name     text   NOT NULL,
    owner    text,
    document text   NOT NULL,
    version  bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
    created  bigint NOT NULL,
    changed  bigint NOT NULL,
    UNIQUE (kind, name)
);

CREATE INDEX catalogue_by_number ON catalogue (kind, id);

-- hash: SHA-256 of the secret, hex. A secret is never used twice, so that a revoked one can not come back.
CREATE TABLE api_key (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text   NOT NULL,
    role    text   NOT NULL CHECK (role IN ('reader', 'submitter', 'operator')),
    hash    text   NOT NULL UNIQUE,
    created bigint NOT NULL,
    revoked bigint
);

CREATE UNIQUE INDEX api_key_in_use ON api_key (name) WHERE revoked IS NULL;
