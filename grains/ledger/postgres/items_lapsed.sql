-- SPDX-License-Identifier: Apache-2.0
-- Lapsed leases, or with a holder its own, or with a survivor those of all others. The leased items of all experiments are as few as there are slots.
SELECT i.id AS Id, s.experiment_id AS ExperimentId
FROM work_item i JOIN stage s ON s.id = i.stage_id
WHERE i.state = 'leased'
  AND CASE WHEN @holder::text IS NOT NULL THEN i.holder = @holder
           WHEN @survivor::text IS NOT NULL THEN i.holder <> @survivor
           ELSE i.lease_until <= (SELECT clock_ms(@given)) END
