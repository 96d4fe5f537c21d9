-- SPDX-License-Identifier: Apache-2.0
SELECT experiment_id FROM stage WHERE id = @stageId
