-- SPDX-License-Identifier: Apache-2.0
-- Only a stage that waits, and only when this is news; no row comes back when not.
UPDATE stage
SET blocked = @why
WHERE id = @stageId AND blocked IS NOT @why
  AND state = 'running' AND done + failed + leased < items
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = stage.experiment_id AND x.state = 'running')
RETURNING experiment_id AS ExperimentId, name AS Name
