-- SPDX-License-Identifier: Apache-2.0
-- What Orleans keeps beside the ledger: who is in the cluster, reminders, and the grains' own memory. Orleans finds its
-- statements in orleansquery, whose name and columns are its own; all else is named as the ledger's tables are.

CREATE TABLE orleansquery (
    querykey  text PRIMARY KEY,
    querytext text NOT NULL
);

-- Every change to a cluster's silos raises its version, and only who knew the last version may make one.
CREATE TABLE orleans_cluster (
    id      text        PRIMARY KEY,
    version integer     NOT NULL DEFAULT 0,
    changed timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Times are the database's own: the clock of a silo may be wrong.
CREATE TABLE orleans_silo (
    cluster_id   text        NOT NULL REFERENCES orleans_cluster (id),
    address      text        NOT NULL,
    port         integer     NOT NULL,
    generation   integer     NOT NULL,
    name         text        NOT NULL,
    host         text        NOT NULL,
    status       integer     NOT NULL,
    gateway_port integer,
    suspicions   text,
    started      timestamptz NOT NULL,
    alive        timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, address, port, generation)
);

CREATE TABLE orleans_reminder (
    service_id text        NOT NULL,
    grain_id   text        NOT NULL,
    name       text        NOT NULL,
    grain_hash integer     NOT NULL,
    start      timestamptz NOT NULL,
    period     bigint      NOT NULL,
    version    integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (service_id, grain_id, name)
);

CREATE INDEX orleans_reminder_by_hash ON orleans_reminder (service_id, grain_hash);

-- version is the grain's etag: who writes must have read the last one. state is NULL when it was cleared.
CREATE TABLE orleans_grain (
    service_id text        NOT NULL,
    type_hash  integer     NOT NULL,
    id_hash    integer     NOT NULL,
    id_high    bigint      NOT NULL,
    id_low     bigint      NOT NULL,
    id_text    text        NOT NULL,
    type       text        NOT NULL,
    state      bytea,
    version    integer     NOT NULL,
    changed    timestamptz NOT NULL,
    PRIMARY KEY (service_id, type_hash, id_hash, id_high, id_low, id_text, type)
);
