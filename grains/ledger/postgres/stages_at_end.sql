-- SPDX-License-Identifier: Apache-2.0
-- Running stages whose items are all done, although nobody has ended them yet.
SELECT s.id
FROM stage s JOIN experiment x ON x.id = s.experiment_id
WHERE s.state = 'running' AND x.state <> 'cancelled'
  AND s.items = (SELECT coalesce(sum(p.done), 0) FROM stage_part p WHERE p.stage_id = s.id)
