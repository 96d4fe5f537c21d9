-- SPDX-License-Identifier: Apache-2.0
UPDATE stage SET blocked = NULL WHERE id = @stageId AND blocked IS NOT NULL
RETURNING experiment_id AS ExperimentId, name AS Name
