-- SPDX-License-Identifier: Apache-2.0
-- Experiments as lists show them. Their grains write their states here.

-- name: lock
-- One writer at a time: there is nothing to lock.
SELECT @key

-- name: byKey
SELECT id FROM experiment WHERE idempotency_key = @key

-- name: add
INSERT INTO experiment (name, spec, stages, state, priority, idempotency_key, owner, campaign, parameters, created)
VALUES (@name, @spec, @stages, 'running', @priority, @key, @owner, @campaign, @parameters, CAST(unixepoch('subsec') * 1000 AS INTEGER))
RETURNING id

-- name: find
SELECT id AS Id, name AS Name, spec AS Spec, stages AS Stages, state AS State, priority AS Priority,
       idempotency_key AS IdempotencyKey, owner AS Owner, campaign AS Campaign, parameters AS Parameters,
       created AS Created, ended AS Ended
FROM experiment
WHERE id = @id

-- name: list
SELECT id AS Id, name AS Name, spec AS Spec, stages AS Stages, state AS State, priority AS Priority,
       idempotency_key AS IdempotencyKey, owner AS Owner, campaign AS Campaign, parameters AS Parameters,
       created AS Created, ended AS Ended
FROM experiment
WHERE id < coalesce(@before, 9223372036854775807)
  AND (@state IS NULL OR state = @state)
  AND (@campaign IS NULL OR campaign = @campaign)
  AND (@owner IS NULL OR owner = @owner)
ORDER BY id DESC
LIMIT @limit

-- name: count
SELECT state AS State, count(*) AS Count FROM experiment GROUP BY state

-- name: state
UPDATE experiment
SET state = @state, ended = CASE WHEN @state IN ('running', 'paused') THEN NULL ELSE coalesce(ended, CAST(unixepoch('subsec') * 1000 AS INTEGER)) END
WHERE id = @id AND state <> @state
