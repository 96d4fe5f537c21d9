-- SPDX-License-Identifier: Apache-2.0
-- Lines of experiments' logs. The same mark is entered once.

-- name: lock
-- Readers go on from the last id that they saw, so ids must become visible in their order. Transactions that write events
-- take turns from here to their commit: PostgreSQL frees the lock after it has made the commit visible.
SELECT pg_advisory_xact_lock('event'::regclass::oid::bigint)

-- name: add
INSERT INTO event (experiment_id, mark, at, kind, stage, text)
VALUES (@experimentId, @mark, now_ms(), @kind, @stage, @text)
ON CONFLICT (experiment_id, mark) DO NOTHING

-- name: after
SELECT id AS Id, experiment_id AS ExperimentId, at AS At, kind AS Kind, stage AS Stage, text AS Text
FROM event
WHERE (@experimentId::bigint IS NULL OR experiment_id = @experimentId) AND id > @after
ORDER BY id
LIMIT @limit
