-- SPDX-License-Identifier: Apache-2.0
-- Only a stage that waits, and only when this is news; no row comes back when not.
UPDATE stage s
SET blocked = @why
WHERE s.id = @stageId AND s.blocked IS DISTINCT FROM @why::text
  AND s.state = 'running' AND NOT nothing_waits(s.id)
  AND EXISTS (SELECT 1 FROM experiment x WHERE x.id = s.experiment_id AND x.state = 'running')
RETURNING s.experiment_id AS ExperimentId, s.name AS Name
