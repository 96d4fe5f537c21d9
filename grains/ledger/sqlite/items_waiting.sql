-- SPDX-License-Identifier: Apache-2.0
SELECT i.stage_id AS StageId, i.idx AS Idx, s.name AS StageName, s.kind AS Kind, s.needs_gpu AS NeedsGpu,
       s.needs_memory AS NeedsMemory, s.needs_tag AS NeedsTag, x.priority AS Priority,
       max(0, i.available_at - coalesce(@given, CAST(unixepoch('subsec') * 1000 AS INTEGER))) AS PutOff
FROM experiment x
CROSS JOIN stage s ON s.experiment_id = x.id
CROSS JOIN work_item i ON i.stage_id = s.id
WHERE x.id = @experimentId AND x.state = 'running' AND s.state = 'running' AND i.state = 'available'
ORDER BY s.ordinal, i.idx
LIMIT @limit
