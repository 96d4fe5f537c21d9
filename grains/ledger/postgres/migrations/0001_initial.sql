-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970 (UTC). States are words, so that the tables read well in psql.

CREATE TABLE experiment (
    id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text    NOT NULL,
    spec            text    NOT NULL,
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

CREATE INDEX experiment_in_claim_order ON experiment (priority, id) WHERE state = 'running';
CREATE INDEX experiment_of_campaign ON experiment (campaign, id) WHERE campaign IS NOT NULL;

-- How many items are done, failed and leased is not kept here: every commit would wait for this one row.
CREATE TABLE stage (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint  NOT NULL REFERENCES experiment (id),
    ordinal       integer NOT NULL,
    name          text    NOT NULL,
    kind          text    NOT NULL,
    arguments     text,
    needs_gpu     boolean NOT NULL,
    needs_memory  bigint  NOT NULL CHECK (needs_memory >= 0),
    needs_tag     text,
    max_failures  integer NOT NULL CHECK (max_failures >= 1),
    max_deaths    integer NOT NULL CHECK (max_deaths >= 1),
    state         text    NOT NULL CHECK (state IN ('waiting', 'ready', 'running', 'done', 'failed')),
    items         integer NOT NULL DEFAULT 0 CHECK (items >= 0),
    blocked       text,
    error         text,
    started       bigint,
    ended         bigint,
    UNIQUE (experiment_id, ordinal),
    UNIQUE (experiment_id, name),
    CHECK (state NOT IN ('waiting', 'ready') OR items = 0),
    CHECK ((ended IS NOT NULL) = (state IN ('done', 'failed'))),
    CHECK (error IS NULL OR state = 'failed')
);

CREATE INDEX stage_ready ON stage (experiment_id, ordinal) WHERE state = 'ready';
CREATE INDEX stage_running ON stage (experiment_id, ordinal) WHERE state = 'running';

CREATE TABLE stage_edge (
    stage_id bigint NOT NULL REFERENCES stage (id),
    after_id bigint NOT NULL REFERENCES stage (id),
    PRIMARY KEY (stage_id, after_id)
);

CREATE INDEX stage_edge_after ON stage_edge (after_id);

-- epoch grows with every claim and is, with holder, the fence of every later write. Both outlive the lease, so that a
-- commit that is repeated after its answer was lost is recognised. The holder belongs to the fence because a server
-- that runs with synchronous_commit off may forget its last claims in a crash and then give an epoch out twice.
-- No foreign key to stage: it would be looked up for each of a million items, and stages are never deleted.
-- No index of all items by (stage, idx): each change of state would write to it; the partial ones below are enough.
-- No CHECK, here and in stage_part: PostgreSQL parses each anew in every statement that writes a row, and the dozen that
-- would stand here cost a quarter of a commit. The tests put them on the tables they use.
-- A claim and a commit each leave a dead row behind; the free half of each page keeps the new row beside the old one.
CREATE TABLE work_item (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage_id     bigint  NOT NULL,
    available_at bigint  NOT NULL,
    epoch        bigint  NOT NULL DEFAULT 0,
    idx          integer NOT NULL,
    attempt      integer NOT NULL DEFAULT 0,
    failures     integer NOT NULL DEFAULT 0,
    deaths       integer NOT NULL DEFAULT 0,
    lease_until  bigint,
    checkpoint   bigint,
    ended        bigint,
    fraction     double precision NOT NULL DEFAULT 0,
    state        text    NOT NULL,
    holder       text,
    note         text,
    result       text,
    error        text
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);

CREATE UNIQUE INDEX work_item_in_claim_order ON work_item (stage_id, idx) WHERE state = 'available';
CREATE UNIQUE INDEX work_item_leased ON work_item (stage_id, idx) WHERE state = 'leased';
CREATE UNIQUE INDEX work_item_failed ON work_item (stage_id, idx) WHERE state = 'failed';
CREATE UNIQUE INDEX work_item_result ON work_item (stage_id, idx) WHERE result IS NOT NULL;

-- A stage's done items, in parts that commits count into side by side: a row is locked until its transaction is on the
-- server's disk, so one row would let one commit through for every turn of the disk. Each connection counts into the part
-- its server process gives it, and has one transaction at a time.
CREATE TABLE stage_part (
    stage_id bigint  NOT NULL,
    part     integer NOT NULL,
    done     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (stage_id, part)
) WITH (fillfactor = 20);

-- A stage's sums, in the same parts, each of which has the name only if it was brought there. Counts stay in their row
-- up to about a thousand, and are not compressed: both would cost more than the sum itself, at every commit.
CREATE TABLE partial (
    stage_id bigint   NOT NULL,
    name     text     NOT NULL,
    part     integer  NOT NULL,
    counts   bigint[] NOT NULL,
    PRIMARY KEY (stage_id, name, part)
) WITH (fillfactor = 20, toast_tuple_target = 8160);

ALTER TABLE partial ALTER COLUMN counts SET STORAGE EXTERNAL;

-- The one length of a sum in all parts of its stage; read and written only when a part gets its first counts.
CREATE TABLE stage_sum (
    stage_id bigint  NOT NULL,
    name     text    NOT NULL,
    length   integer NOT NULL,
    PRIMARY KEY (stage_id, name)
);

CREATE TABLE event (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment_id bigint NOT NULL,
    at            bigint NOT NULL,
    kind          text   NOT NULL,
    stage         text,
    text          text   NOT NULL
);

CREATE INDEX event_of_experiment ON event (experiment_id, id);

-- The database's clock, unless a test passes a time in.
CREATE FUNCTION clock_ms(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(given, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) $$;

-- Wakes the silos and readers that listen; sent when the transaction commits. The schema is part of the channel's name,
-- as notifications go to a whole database.
CREATE FUNCTION ring() RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT pg_notify('teravox.' || current_schema(), '') $$;

-- Writes events, and rings. Readers go on from the last id they saw, so no event may appear below one that was seen:
-- ids must become visible in their order. A sequence alone does not give that (a transaction that drew a lower id may
-- commit later), nor does a horizon of transaction ids (they need not be drawn in the order of the event ids). So
-- transactions that write events take turns from here to their commit: PostgreSQL frees the lock after it has made the
-- commit visible. Events are written last in a transaction, to keep the turn short, and no commit of an item waits for
-- it unless it brings events of its own. Notifications take turns at their commit in the same way.
CREATE FUNCTION events_add(experiments bigint[], kinds text[], stages text[], texts text[], now bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('event'::regclass::oid::bigint);
    INSERT INTO event (experiment_id, at, kind, stage, text)
    SELECT e.experiment_id, now, e.kind, e.stage, e.text
    FROM unnest(experiments, kinds, stages, texts) WITH ORDINALITY AS e (experiment_id, kind, stage, text, n)
    ORDER BY e.n;
    PERFORM ring();
END $$;

-- Adds counts to a part of a stage's sums. names[i] has lengths[i] of counts, which hold all of them one after another.
-- A part that has counts of the name already gives the length; only a part's first counts ask stage_sum, where the
-- first of all parts fixes it.
-- The sum of two arrays stands here twice, as a function of its own would cost more than the rest of a commit.
CREATE FUNCTION sums_add(stage bigint, into_part integer, names text[], lengths integer[], all_counts bigint[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first integer := 1;
    more  bigint[];
    known integer;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(names), 0) LOOP
        more := all_counts[first : first + lengths[i] - 1];
        first := first + lengths[i];
        UPDATE partial p
        SET counts = (SELECT coalesce(array_agg(a.x + a.y), '{}') FROM unnest(p.counts, more) AS a (x, y))
        WHERE p.stage_id = stage AND p.name = names[i] AND p.part = into_part AND cardinality(p.counts) = lengths[i];
        CONTINUE WHEN FOUND;
        INSERT INTO stage_sum (stage_id, name, length) VALUES (stage, names[i], lengths[i]) ON CONFLICT DO NOTHING;
        SELECT s.length INTO known FROM stage_sum s WHERE s.stage_id = stage AND s.name = names[i];
        IF known <> lengths[i] THEN
            RAISE EXCEPTION USING ERRCODE = 'TVX01', MESSAGE = format(
                'Sum ''%s'' has %s counts in its stage, but an item brings %s.', names[i], known, lengths[i]);
        END IF;
        INSERT INTO partial AS p (stage_id, name, part, counts) VALUES (stage, names[i], into_part, more)
        ON CONFLICT (stage_id, name, part) DO UPDATE
        SET counts = (SELECT coalesce(array_agg(a.x + a.y), '{}') FROM unnest(p.counts, excluded.counts) AS a (x, y));
    END LOOP;
END $$;

-- True when no item of the stage waits. From the far end of the index: there the entries are alive until the stage
-- ends, while a walk from the near end passes those of all items that were claimed since the last vacuum.
CREATE FUNCTION nothing_waits(stage bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM 1 FROM work_item i WHERE i.stage_id = stage AND i.state = 'available'
    ORDER BY i.stage_id DESC, i.idx DESC LIMIT 1;
    RETURN NOT FOUND;
END $$;

-- Counts items of a stage as done, with what they bring. True when no more items wait: the stage may be at its end. That
-- look comes last, so that little time is left in which a claim could take the last item and make it untrue.
CREATE FUNCTION stage_count(stage bigint, more integer, names text[], lengths integer[], all_counts bigint[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    into_part integer := pg_backend_pid() % 32;
BEGIN
    IF names IS NOT NULL THEN
        PERFORM sums_add(stage, into_part, names, lengths, all_counts);
    END IF;
    UPDATE stage_part p SET done = p.done + more WHERE p.stage_id = stage AND p.part = into_part;
    IF NOT FOUND THEN
        INSERT INTO stage_part AS p (stage_id, part, done) VALUES (stage, into_part, more)
        ON CONFLICT (stage_id, part) DO UPDATE SET done = p.done + excluded.done;
    END IF;
    RETURN nothing_waits(stage);
END $$;

-- The commit of one item, in one round trip. Answers 0: the lease is lost, nothing was changed; 1: written;
-- 2: written, now or before, and the stage may be at its end: the caller then asks stage_finish.
CREATE FUNCTION item_commit(item bigint, its_epoch bigint, its_holder text, its_result text, names text[],
                            lengths integer[], all_counts bigint[], events text[], given bigint)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    now   bigint := clock_ms(given);
    stage bigint;
    ends  boolean;
BEGIN
    -- Not by state: see items_commit.sql.
    UPDATE work_item i
    SET state = 'done', lease_until = NULL, fraction = 1, note = NULL, error = NULL, result = its_result, ended = now
    WHERE i.id = item AND i.epoch = its_epoch AND i.holder = its_holder AND i.lease_until IS NOT NULL
    RETURNING i.stage_id INTO stage;
    IF NOT FOUND THEN
        -- Done under this very lease: the caller's first answer was lost on the way, and maybe the stage's end with it.
        PERFORM 1 FROM work_item i
        WHERE i.id = item AND i.epoch = its_epoch AND i.holder = its_holder AND i.state = 'done';
        RETURN CASE WHEN FOUND THEN 2 ELSE 0 END;
    END IF;
    ends := stage_count(stage, 1, names, lengths, all_counts);
    IF events IS NOT NULL THEN
        PERFORM events_add(array_fill(s.experiment_id, ARRAY[cardinality(events)]),
                           array_fill('log'::text, ARRAY[cardinality(events)]),
                           array_fill(s.name, ARRAY[cardinality(events)]), events, now)
        FROM stage s WHERE s.id = stage;
    END IF;
    RETURN CASE WHEN ends THEN 2 ELSE 1 END;
END $$;

-- Ends a stage whose items are all done: makes its successors ready, and ends the experiment after its last stage.
-- True when it did. May be called at any time and any number of times; see PostgresLedger.Ends.cs for who calls it.
CREATE FUNCTION stage_finish(stage bigint, given bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    now        bigint := clock_ms(given);
    experiment bigint;
    its_name   text;
    stages     text[];
    kinds      text[] := ARRAY['done'];
    texts      text[] := ARRAY['all items are done'];
    successor  text;
BEGIN
    -- Most callers end here: other items are still under way.
    SELECT s.experiment_id, s.name INTO experiment, its_name FROM stage s
    WHERE s.id = stage AND s.state = 'running'
      AND s.items = (SELECT coalesce(sum(p.done), 0) FROM stage_part p WHERE p.stage_id = stage);
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    -- Whatever changes the states of an experiment's stages holds its row, so that of two last stages one sees both.
    PERFORM 1 FROM experiment x WHERE x.id = experiment AND x.state <> 'cancelled' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE stage s SET state = 'done', ended = now, blocked = NULL WHERE s.id = stage AND s.state = 'running';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    stages := ARRAY[its_name];
    FOR successor IN
        UPDATE stage s SET state = 'ready'
        WHERE s.state = 'waiting' AND s.id IN (SELECT e.stage_id FROM stage_edge e WHERE e.after_id = stage)
          AND NOT EXISTS (SELECT 1 FROM stage_edge e JOIN stage p ON p.id = e.after_id
                          WHERE e.stage_id = s.id AND p.state <> 'done')
        RETURNING s.name
    LOOP
        kinds := kinds || 'ready'::text;
        stages := stages || successor;
        texts := texts || 'may start'::text;
    END LOOP;

    -- A paused experiment whose last running item commits has succeeded, too.
    UPDATE experiment x SET state = 'succeeded', ended = now
    WHERE x.id = experiment AND x.state IN ('running', 'paused')
      AND NOT EXISTS (SELECT 1 FROM stage s WHERE s.experiment_id = x.id AND s.state <> 'done');
    IF FOUND THEN
        kinds := kinds || 'succeeded'::text;
        stages := stages || NULL::text;
        texts := texts || 'all stages are done'::text;
    END IF;
    PERFORM events_add(array_fill(experiment, ARRAY[cardinality(kinds)]), kinds, stages, texts, now);
    RETURN true;
END $$;
