-- SPDX-License-Identifier: Apache-2.0
SELECT i.id AS Id, i.stage_id AS StageId, i.idx AS Idx, i.failures AS Failures, i.deaths AS Deaths, i.holder AS Holder,
       s.experiment_id AS ExperimentId, s.name AS StageName, s.max_failures AS MaxFailures, s.max_deaths AS MaxDeaths
FROM work_item i JOIN stage s ON s.id = i.stage_id
WHERE i.state = 'leased' AND i.holder = @holder
ORDER BY i.lease_until
