-- SPDX-License-Identifier: Apache-2.0
-- Times of the catalog are milliseconds since 1970 (UTC). States are words, so that the tables read well in psql.

-- stages: JSON, the graph of stages as it was submitted.
CREATE TABLE experiment (
    id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text    NOT NULL,
    spec            text    NOT NULL,
    stages          text    NOT NULL,
    state           text    NOT NULL CHECK (state IN ('running', 'paused', 'succeeded', 'failed', 'cancelled')),
    priority        integer NOT NULL,
    idempotency_key text    UNIQUE,
    owner           text,
    campaign        text,
    parameters      text,
    created         bigint  NOT NULL,
    ended           bigint,
    CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')))
);

CREATE INDEX experiment_running ON experiment (id) WHERE state = 'running';
CREATE INDEX experiment_of_campaign ON experiment (campaign, id) WHERE campaign IS NOT NULL;

-- Items of an experiment by kind, for metrics.
CREATE TABLE item_count (
    experiment_id bigint NOT NULL,
    kind          text   NOT NULL,
    waiting       bigint NOT NULL,
    handed_out    bigint NOT NULL,
    done          bigint NOT NULL,
    failed        bigint NOT NULL,
    PRIMARY KEY (experiment_id, kind)
);

CREATE TABLE event (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint NOT NULL,
    mark          text   NOT NULL,
    at            bigint NOT NULL,
    kind          text   NOT NULL,
    stage         text,
    text          text   NOT NULL,
    UNIQUE (experiment_id, mark)
);

CREATE INDEX event_of_experiment ON event (experiment_id, id);

-- A number is never given twice.
CREATE TABLE entry (
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

CREATE INDEX entry_by_number ON entry (kind, id);

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

-- The database's clock: that of a silo may be wrong.
CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

-- Wakes those who listen; sent when the transaction commits. The schema is part of the channel's name, as notifications go to
-- a whole database.
CREATE FUNCTION notify_news() RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_notify('teravox.' || current_schema(), '') $$;

-- What Orleans keeps: who is in the cluster, reminders, and the states of grains. Orleans finds its
-- statements in orleansquery, whose name and columns are its own.

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
