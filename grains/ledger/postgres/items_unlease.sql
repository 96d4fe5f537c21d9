-- SPDX-License-Identifier: Apache-2.0
-- The leases of a cancelled experiment are void at once, so nothing of it changes any more.
UPDATE work_item
SET state = 'available', holder = NULL, lease_until = NULL, fraction = 0, note = NULL
WHERE id = ANY(ARRAY(
    SELECT i.id FROM stage s JOIN work_item i ON i.stage_id = s.id
    WHERE s.experiment_id = @experimentId AND i.state = 'leased'
    ORDER BY i.id FOR UPDATE OF i))
