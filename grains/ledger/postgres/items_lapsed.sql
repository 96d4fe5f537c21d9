-- SPDX-License-Identifier: Apache-2.0
-- Lapsed leases, or with a survivor those of all others. The leased items of all experiments are as few as there are slots.
SELECT i.id AS Id, s.experiment_id AS ExperimentId
FROM work_item i JOIN stage s ON s.id = i.stage_id
WHERE i.state = 'leased'
  AND CASE WHEN @survivor::text IS NULL THEN i.lease_until <= (SELECT clock_ms(@given)) ELSE i.holder <> @survivor END
