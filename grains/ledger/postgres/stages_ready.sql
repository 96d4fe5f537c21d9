-- SPDX-License-Identifier: Apache-2.0
SELECT s.id AS Id, s.experiment_id AS ExperimentId, s.ordinal AS Ordinal, s.name AS Name, s.kind AS Kind,
       s.arguments AS Arguments, s.state AS State, s.items AS Items, s.started AS Started, s.ended AS Ended,
       s.needs_gpu AS NeedsGpu, s.needs_memory AS NeedsMemory, s.needs_tag AS NeedsTag, s.blocked AS Blocked,
       (SELECT coalesce(sum(p.done), 0)::integer FROM stage_part p WHERE p.stage_id = s.id) AS Done,
       (SELECT count(*)::integer FROM work_item i WHERE i.stage_id = s.id AND i.state = 'failed') AS Failed,
       (SELECT count(*)::integer FROM work_item i WHERE i.stage_id = s.id AND i.state = 'leased') AS Leased
FROM experiment x JOIN stage s ON s.experiment_id = x.id
WHERE x.state = 'running' AND s.state = 'ready'
ORDER BY x.priority, x.id, s.ordinal
