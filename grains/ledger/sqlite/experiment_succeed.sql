-- SPDX-License-Identifier: Apache-2.0
-- A paused experiment whose last running item commits has succeeded, too.
UPDATE experiment
SET state = 'succeeded', ended = @now
WHERE id = @experimentId AND state IN ('running', 'paused')
  AND NOT EXISTS (SELECT 1 FROM stage s WHERE s.experiment_id = experiment.id AND s.state <> 'done')
