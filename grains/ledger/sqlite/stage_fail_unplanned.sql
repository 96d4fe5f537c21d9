-- SPDX-License-Identifier: Apache-2.0
UPDATE stage
SET state = 'failed', error = @error, ended = @now
WHERE id = @stageId AND state = 'ready'
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = stage.experiment_id AND x.state IN ('running', 'paused'))
RETURNING experiment_id AS ExperimentId, name AS Name
