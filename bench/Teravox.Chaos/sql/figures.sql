-- SPDX-License-Identifier: Apache-2.0
-- twice: items with more than one commit, or a commit that was not theirs. never: items without one.
SELECT 'items', count(*) FROM work_item
UNION ALL SELECT 'commits', count(*) FROM chaos_commit
UNION ALL SELECT 'twice', count(*) FROM (SELECT item FROM chaos_commit GROUP BY item HAVING count(*) > 1) more
UNION ALL SELECT 'foreign', count(*) FROM chaos_commit c LEFT JOIN work_item i ON i.id = c.item AND i.epoch = c.epoch AND i.state = 'done' WHERE i.id IS NULL
UNION ALL SELECT 'never', count(*) FROM work_item i LEFT JOIN chaos_commit c ON c.item = i.id WHERE c.item IS NULL
UNION ALL SELECT 'tampered', count(*) FROM chaos_tampering
UNION ALL SELECT 'attempts', coalesce(sum(epoch), 0) FROM work_item
UNION ALL SELECT 'deaths', count(*) FROM event WHERE kind = 'death'
UNION ALL SELECT 'failures', count(*) FROM event WHERE kind = 'error'
