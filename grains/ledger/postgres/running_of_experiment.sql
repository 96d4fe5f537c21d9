-- SPDX-License-Identifier: Apache-2.0
SELECT i.id AS Id, s.name AS StageName, i.idx AS Idx, i.holder AS Holder, i.attempt AS Attempt,
       i.fraction AS Fraction, i.note AS Note
FROM stage s JOIN work_item i ON i.stage_id = s.id
WHERE s.experiment_id = @experimentId AND i.state = 'leased'
ORDER BY s.ordinal, i.idx
