-- SPDX-License-Identifier: Apache-2.0
-- A stage with a parked item can not get here: done stays below items.
UPDATE stage
SET state = 'done', ended = @now
WHERE id = @stageId AND state = 'running' AND done = items
RETURNING name
