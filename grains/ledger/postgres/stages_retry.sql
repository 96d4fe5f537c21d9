-- SPDX-License-Identifier: Apache-2.0
-- A stage that failed before it had items can be planned again.
UPDATE stage
SET state = CASE WHEN error IS NULL THEN 'running' ELSE 'ready' END, error = NULL, ended = NULL
WHERE experiment_id = @experimentId AND state = 'failed'
