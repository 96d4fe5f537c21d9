-- SPDX-License-Identifier: Apache-2.0
-- CROSS JOIN fixes the loop order (experiments, their stages, their items), in which their indexes give the
-- claim order without a sort, however many items wait.
UPDATE work_item
SET state = 'leased', attempt = attempt + 1, epoch = epoch + 1, holder = @holder, lease_until = @now + @ttl,
    fraction = 0, note = NULL
WHERE id IN (
    SELECT i.id
    FROM experiment x
    CROSS JOIN stage s ON s.experiment_id = x.id
    CROSS JOIN work_item i ON i.stage_id = s.id
    WHERE x.state = 'running' AND s.state = 'running'
      AND (@experimentId IS NULL OR x.id = @experimentId)
      AND (@stageId IS NULL OR (s.id = @stageId AND i.idx = @idx))
      AND s.done + s.failed + s.leased < s.items
      AND (s.needs_gpu = 0 OR @hasGpu)
      AND (@memory = 0 OR s.needs_memory <= @memory)
      AND (s.needs_tag IS NULL OR s.needs_tag IN (SELECT value FROM json_each(@tags)))
      AND (@kinds IS NULL OR s.kind IN (SELECT value FROM json_each(@kinds)))
      AND i.state = 'available' AND i.available_at <= @now
    ORDER BY x.priority, x.id, s.ordinal, i.idx
    LIMIT @slots)
RETURNING id AS Id, stage_id AS StageId, idx AS Idx, epoch AS Epoch, attempt AS Attempt
