-- SPDX-License-Identifier: Apache-2.0
-- What a late finisher must leave as it is: every item of one experiment, in words.
SELECT s.name || '/' || i.idx || ': ' || i.state || ' epoch ' || i.epoch || ' by ' || coalesce(i.holder, '-') || ' at ' || coalesce(i.ended, 0)
FROM work_item i JOIN stage s ON s.id = i.stage_id
WHERE s.experiment_id = @experiment
ORDER BY s.ordinal, i.idx
