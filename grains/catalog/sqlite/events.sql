-- SPDX-License-Identifier: Apache-2.0
-- Lines of experiments' logs. The same mark is entered once.

-- name: lock
-- One writer at a time: there is nothing to lock.
SELECT 1

-- name: add
INSERT INTO event (experiment_id, mark, at, kind, stage, text)
VALUES (@experimentId, @mark, CAST(unixepoch('subsec') * 1000 AS INTEGER), @kind, @stage, @text)
ON CONFLICT (experiment_id, mark) DO NOTHING

-- name: after
SELECT id AS Id, experiment_id AS ExperimentId, at AS At, kind AS Kind, stage AS Stage, text AS Text
FROM event
WHERE (@experimentId IS NULL OR experiment_id = @experimentId) AND id > @after
ORDER BY id
LIMIT @limit
