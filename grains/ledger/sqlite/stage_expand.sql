-- SPDX-License-Identifier: Apache-2.0
-- Only a ready stage of an experiment that runs; no row comes back when it is not.
UPDATE stage
SET state = 'running', items = @count, started = @now
WHERE id = @stageId AND state = 'ready'
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = stage.experiment_id AND x.state = 'running')
RETURNING experiment_id AS ExperimentId, name AS Name
