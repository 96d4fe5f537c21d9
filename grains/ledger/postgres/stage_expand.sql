-- SPDX-License-Identifier: Apache-2.0
-- Only a ready stage of an experiment that runs; no row comes back when it is not.
UPDATE stage s
SET state = 'running', items = @count, started = clock_ms(@given)
WHERE s.id = @stageId AND s.state = 'ready'
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = s.experiment_id AND x.state = 'running')
RETURNING s.experiment_id AS ExperimentId, s.name AS Name
