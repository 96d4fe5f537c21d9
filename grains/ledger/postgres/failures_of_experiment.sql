-- SPDX-License-Identifier: Apache-2.0
-- A stage that could not be planned has no item to show: it stands here with id 0 and index -1.
SELECT 0::bigint AS Id, s.ordinal AS Ordinal, s.name AS StageName, -1 AS Idx, 0 AS Failures, 0 AS Deaths, s.error AS Error
FROM stage s
WHERE s.experiment_id = @experimentId AND s.error IS NOT NULL
UNION ALL
SELECT i.id, s.ordinal, s.name, i.idx, i.failures, i.deaths, i.error
FROM stage s JOIN work_item i ON i.stage_id = s.id
WHERE s.experiment_id = @experimentId AND i.state = 'failed'
ORDER BY 2, 4
LIMIT @limit
