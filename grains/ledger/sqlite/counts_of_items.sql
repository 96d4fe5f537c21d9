-- SPDX-License-Identifier: Apache-2.0
SELECT s.kind AS Kind,
       sum(CASE WHEN x.state IN ('running', 'paused') THEN s.items - s.done - s.failed - s.leased ELSE 0 END) AS Waiting,
       sum(s.leased) AS Leased, sum(s.done) AS Done, sum(s.failed) AS Failed
FROM stage s JOIN experiment x ON x.id = s.experiment_id
GROUP BY s.kind
ORDER BY s.kind
