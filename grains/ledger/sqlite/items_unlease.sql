-- SPDX-License-Identifier: Apache-2.0
-- The leases of a cancelled experiment are void at once, so nothing of it changes any more.
UPDATE work_item
SET state = 'available', holder = NULL, lease_until = NULL, fraction = 0, note = NULL
WHERE state = 'leased' AND stage_id IN (SELECT s.id FROM stage s WHERE s.experiment_id = @experimentId)
