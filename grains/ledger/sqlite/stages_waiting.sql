-- SPDX-License-Identifier: Apache-2.0
SELECT s.id AS Id, s.experiment_id AS ExperimentId, s.ordinal AS Ordinal, s.name AS Name, s.kind AS Kind,
       s.arguments AS Arguments, s.state AS State, s.items AS Items, s.done AS Done, s.failed AS Failed,
       s.leased AS Leased, s.started AS Started, s.ended AS Ended,
       s.needs_gpu AS NeedsGpu, s.needs_memory AS NeedsMemory, s.needs_tag AS NeedsTag,
       s.blocked AS Blocked
FROM experiment x CROSS JOIN stage s ON s.experiment_id = x.id
WHERE x.state = 'running' AND s.state = 'running' AND s.done + s.failed + s.leased < s.items
ORDER BY x.priority, x.id, s.ordinal
