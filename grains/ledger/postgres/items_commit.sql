-- SPDX-License-Identifier: Apache-2.0
-- In the order of the items, so that two batches do not wait for each other in a circle.
-- Whatever the planner believes of the table, = ANY makes it look up the given items and no others. lease_until says the
-- same as the state, but does not offer the index of leased items: that looks empty when it was last counted at a quiet
-- moment, and each item would be looked for among all leased ones.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(@items, @epochs, @holders, @results) AS g (id, epoch, holder, result) ORDER BY g.id
)
UPDATE work_item i
SET state = 'done', lease_until = NULL, fraction = 1, note = NULL, error = NULL, result = g.result, ended = t.now
FROM given g, (SELECT clock_ms(@given) AS now) t
WHERE i.id = ANY(@items) AND i.id = g.id AND i.epoch = g.epoch AND i.holder = g.holder AND i.lease_until IS NOT NULL
RETURNING i.id AS Id, i.epoch AS Epoch, i.stage_id AS StageId
