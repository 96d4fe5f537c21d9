-- SPDX-License-Identifier: Apache-2.0
SELECT i.id AS Id, i.epoch AS Epoch, i.stage_id AS StageId
FROM unnest(@items, @epochs, @holders) AS g (id, epoch, holder)
JOIN work_item i ON i.id = g.id AND i.epoch = g.epoch AND i.holder = g.holder
WHERE i.state = 'done'
