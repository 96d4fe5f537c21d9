-- SPDX-License-Identifier: Apache-2.0
-- One item, if it may be claimed: $1 holder, $2 ttl in ms, $3 whether the device is a GPU, $4 its memory, $5 tags,
-- $6 kinds or null, $7 time of a test or null, $8 its stage, $9 its index. The rules are those of items_claim.sql.
WITH clock AS MATERIALIZED (
    SELECT clock_ms($7) AS now
), picked AS MATERIALIZED (
    SELECT i.id
    FROM work_item i JOIN stage s ON s.id = i.stage_id JOIN experiment x ON x.id = s.experiment_id
    WHERE i.stage_id = $8 AND i.idx = $9 AND i.state = 'available' AND i.available_at <= (SELECT now FROM clock)
      AND x.state = 'running' AND s.state = 'running'
      AND (NOT s.needs_gpu OR $3)
      AND ($4::bigint = 0 OR s.needs_memory <= $4)
      AND (s.needs_tag IS NULL OR s.needs_tag = ANY($5::text[]))
      AND ($6::text[] IS NULL OR s.kind = ANY($6))
    FOR UPDATE OF i SKIP LOCKED
), claimed AS (
    UPDATE work_item w
    SET state = 'leased', attempt = w.attempt + 1, epoch = w.epoch + 1, holder = $1,
        lease_until = (SELECT now FROM clock) + $2, fraction = 0, note = NULL
    WHERE w.id = (SELECT p.id FROM picked p)
    RETURNING w.id, w.stage_id, w.idx, w.epoch, w.attempt
)
SELECT i.id, i.epoch, s.experiment_id, i.stage_id, s.name, s.kind, i.idx, i.attempt, s.arguments,
       s.blocked IS NOT NULL
FROM claimed i JOIN stage s ON s.id = i.stage_id
