-- SPDX-License-Identifier: Apache-2.0
SELECT idx AS Idx, result AS Result
FROM work_item
WHERE stage_id = @stageId AND result IS NOT NULL
ORDER BY idx
