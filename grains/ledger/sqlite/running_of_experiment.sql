-- SPDX-License-Identifier: Apache-2.0
-- The leased items of all experiments are as few as there are slots.
SELECT i.id AS Id, s.name AS StageName, i.idx AS Idx, i.holder AS Holder, i.attempt AS Attempt,
       i.fraction AS Fraction, i.note AS Note
FROM work_item i INDEXED BY work_item_leased JOIN stage s ON s.id = i.stage_id
WHERE i.state = 'leased' AND s.experiment_id = @experimentId
ORDER BY s.ordinal, i.idx
