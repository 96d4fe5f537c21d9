-- SPDX-License-Identifier: Apache-2.0
INSERT INTO work_item (stage_id, idx, state, available_at)
SELECT @stageId, n, 'available', t.now
FROM (SELECT clock_ms(@given) AS now) t, generate_series(0, @count - 1) AS n
