-- SPDX-License-Identifier: Apache-2.0
-- Items that wait or are done are never counted one by one: the stages and their parts know how many there are.
WITH leased AS (SELECT stage_id, count(*) AS n FROM work_item WHERE state = 'leased' GROUP BY stage_id),
     failed AS (SELECT stage_id, count(*) AS n FROM work_item WHERE state = 'failed' GROUP BY stage_id),
     done AS (SELECT stage_id, sum(done) AS n FROM stage_part GROUP BY stage_id),
     counts AS (
         SELECT s.kind, x.state, s.items, coalesce(l.n, 0) AS leased, coalesce(f.n, 0) AS failed, coalesce(d.n, 0) AS done
         FROM stage s JOIN experiment x ON x.id = s.experiment_id
              LEFT JOIN leased l ON l.stage_id = s.id
              LEFT JOIN failed f ON f.stage_id = s.id
              LEFT JOIN done d ON d.stage_id = s.id)
SELECT kind AS Kind,
       sum(CASE WHEN state IN ('running', 'paused') THEN items - done - failed - leased ELSE 0 END)::bigint AS Waiting,
       sum(leased)::bigint AS Leased, sum(done)::bigint AS Done, sum(failed)::bigint AS Failed
FROM counts
GROUP BY kind
ORDER BY kind COLLATE "C"
