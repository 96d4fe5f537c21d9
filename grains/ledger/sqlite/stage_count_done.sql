-- SPDX-License-Identifier: Apache-2.0
UPDATE stage
SET done = done + 1, leased = leased - 1
WHERE id = @stageId
RETURNING experiment_id AS ExperimentId, name AS Name
