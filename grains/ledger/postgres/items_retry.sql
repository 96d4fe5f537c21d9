-- SPDX-License-Identifier: Apache-2.0
UPDATE work_item
SET state = 'available', available_at = clock_ms(@given), failures = 0, deaths = 0, error = NULL, ended = NULL,
    fraction = 0, note = NULL, holder = NULL
WHERE state = 'failed' AND stage_id = ANY(ARRAY(SELECT s.id FROM stage s WHERE s.experiment_id = @experimentId))
