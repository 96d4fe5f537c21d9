-- SPDX-License-Identifier: Apache-2.0
INSERT INTO work_item (stage_id, idx, state, available_at)
WITH RECURSIVE n (i) AS (SELECT 0 WHERE @count > 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @count)
SELECT @stageId, i, 'available', @now FROM n
