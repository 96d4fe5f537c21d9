-- SPDX-License-Identifier: Apache-2.0
-- Stage by stage, by the index that holds the available items only.
SELECT i.stage_id AS StageId, i.idx AS Idx, s.name AS StageName, s.kind AS Kind, s.needs_gpu AS NeedsGpu,
       s.needs_memory AS NeedsMemory, s.needs_tag AS NeedsTag, s.priority AS Priority,
       greatest(0, i.available_at - (SELECT clock_ms(@given))) AS PutOff
FROM (
    SELECT t.id, t.name, t.kind, t.needs_gpu, t.needs_memory, t.needs_tag, t.ordinal, x.priority
    FROM experiment x JOIN stage t ON t.experiment_id = x.id
    WHERE x.id = @experimentId AND x.state = 'running' AND t.state = 'running'
    ORDER BY t.ordinal
    OFFSET 0
) s
CROSS JOIN LATERAL (
    SELECT w.stage_id, w.idx, w.available_at
    FROM work_item w
    WHERE w.stage_id = s.id AND w.state = 'available'
    ORDER BY w.idx
    LIMIT @limit
) i
LIMIT @limit
