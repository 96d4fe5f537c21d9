-- SPDX-License-Identifier: Apache-2.0
-- $1 holder, $2 slots, $3 ttl in ms, $4 whether the device is a GPU, $5 its memory, $6 tags, $7 kinds or null,
-- $8 experiment or null, $9 time of a test or null, $10 a stage and $11 the index in it to look from.
-- Stages in claim order, and of each only as many items as are still wanted, by an index that holds the available
-- ones only: no sort, however many wait. OFFSET 0 and the lateral limit keep the planner to that order. Items that
-- another claim is about to take are passed over.
WITH clock AS MATERIALIZED (
    SELECT clock_ms($9) AS now
), picked AS MATERIALIZED (
    SELECT i.id
    FROM (
        SELECT s.id
        FROM experiment x JOIN stage s ON s.experiment_id = x.id
        WHERE x.state = 'running' AND s.state = 'running'
          AND ($8::bigint IS NULL OR x.id = $8)
          AND (NOT s.needs_gpu OR $4)
          AND ($5::bigint = 0 OR s.needs_memory <= $5)
          AND (s.needs_tag IS NULL OR s.needs_tag = ANY($6::text[]))
          AND ($7::text[] IS NULL OR s.kind = ANY($7))
        ORDER BY x.priority, x.id, s.ordinal
        OFFSET 0
    ) c
    CROSS JOIN LATERAL (
        SELECT w.id
        FROM work_item w
        WHERE w.stage_id = c.id AND w.idx >= CASE WHEN c.id = $10 THEN $11 ELSE 0 END
          AND w.state = 'available' AND w.available_at <= (SELECT now FROM clock)
        ORDER BY w.idx
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) i
    LIMIT $2
), claimed AS (
    UPDATE work_item w
    SET state = 'leased', attempt = w.attempt + 1, epoch = w.epoch + 1, holder = $1,
        lease_until = (SELECT now FROM clock) + $3, fraction = 0, note = NULL
    WHERE w.id = ANY(ARRAY(SELECT p.id FROM picked p))
    RETURNING w.id, w.stage_id, w.idx, w.epoch, w.attempt
)
SELECT i.id, i.epoch, s.experiment_id, i.stage_id, s.name, s.kind, i.idx, i.attempt, s.arguments,
       s.blocked IS NOT NULL
FROM claimed i JOIN stage s ON s.id = i.stage_id JOIN experiment x ON x.id = s.experiment_id
ORDER BY x.priority, x.id, s.ordinal, i.idx
