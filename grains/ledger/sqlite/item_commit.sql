-- SPDX-License-Identifier: Apache-2.0
UPDATE work_item
SET state = 'done', holder = NULL, lease_until = NULL, fraction = 1, note = NULL, error = NULL, result = @result,
    ended = @now
WHERE id = @itemId AND epoch = @epoch AND state = 'leased'
RETURNING stage_id
