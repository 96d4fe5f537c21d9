-- SPDX-License-Identifier: Apache-2.0
-- How many items experiments have, for metrics. Their grains write it now and then.

-- name: put
INSERT INTO item_count (experiment_id, kind, waiting, handed_out, done, failed)
VALUES (@experimentId, @kind, @waiting, @handedOut, @done, @failed)
ON CONFLICT (experiment_id, kind) DO UPDATE
SET waiting = excluded.waiting, handed_out = excluded.handed_out, done = excluded.done, failed = excluded.failed

-- name: sums
SELECT c.kind AS Kind, sum(CASE WHEN e.state IN ('running', 'paused') THEN c.waiting ELSE 0 END) AS Waiting,
       sum(c.handed_out) AS HandedOut, sum(c.done) AS Done, sum(c.failed) AS Failed
FROM item_count c JOIN experiment e ON e.id = c.experiment_id
GROUP BY c.kind
ORDER BY c.kind
