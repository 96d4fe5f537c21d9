-- SPDX-License-Identifier: Apache-2.0
SELECT s.id AS Id, s.experiment_id AS ExperimentId, s.ordinal AS Ordinal, s.name AS Name, s.kind AS Kind,
       s.arguments AS Arguments, s.state AS State, s.items AS Items, s.done AS Done, s.failed AS Failed,
       s.leased AS Leased, s.started AS Started, s.ended AS Ended,
       s.needs_gpu AS NeedsGpu, s.needs_memory AS NeedsMemory, s.needs_tag AS NeedsTag,
       s.blocked AS Blocked,
       (SELECT group_concat(n.name, char(10))
        FROM (SELECT a.name FROM stage_edge e JOIN stage a ON a.id = e.after_id WHERE e.stage_id = s.id ORDER BY a.ordinal) n) AS After
FROM stage s
WHERE s.experiment_id = @experimentId
ORDER BY s.ordinal
