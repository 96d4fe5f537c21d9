-- SPDX-License-Identifier: Apache-2.0
UPDATE stage
SET leased = leased + @count
WHERE id = @stageId
RETURNING experiment_id AS ExperimentId, ordinal AS Ordinal, name AS Name, kind AS Kind, arguments AS Arguments,
          blocked AS Blocked,
          (SELECT x.priority FROM experiment x WHERE x.id = stage.experiment_id) AS Priority
