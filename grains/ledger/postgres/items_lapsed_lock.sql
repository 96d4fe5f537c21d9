-- SPDX-License-Identifier: Apache-2.0
-- Once more, now that their experiments are held. An item that its holder is just writing is left to it.
SELECT i.id AS Id, i.stage_id AS StageId, i.idx AS Idx, i.failures AS Failures, i.deaths AS Deaths, i.holder AS Holder,
       s.experiment_id AS ExperimentId, s.name AS StageName, s.max_failures AS MaxFailures, s.max_deaths AS MaxDeaths
FROM work_item i JOIN stage s ON s.id = i.stage_id
WHERE i.id = ANY(@ids) AND i.lease_until IS NOT NULL
  AND CASE WHEN @holder::text IS NOT NULL THEN i.holder = @holder
           WHEN @survivor::text IS NOT NULL THEN i.holder <> @survivor
           ELSE i.lease_until <= (SELECT clock_ms(@given)) END
ORDER BY i.lease_until
FOR UPDATE OF i SKIP LOCKED
