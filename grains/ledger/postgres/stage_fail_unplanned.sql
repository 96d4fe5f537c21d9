-- SPDX-License-Identifier: Apache-2.0
UPDATE stage s
SET state = 'failed', error = @error, ended = clock_ms(@given)
WHERE s.id = @stageId AND s.state = 'ready'
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = s.experiment_id AND x.state IN ('running', 'paused'))
RETURNING s.experiment_id AS ExperimentId, s.name AS Name
