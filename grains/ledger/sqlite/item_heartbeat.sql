-- SPDX-License-Identifier: Apache-2.0
-- An item whose checkpoint grows is getting on: its deaths are forgotten.
UPDATE work_item
SET lease_until = @now + @ttl,
    fraction = coalesce(@fraction, fraction),
    note = CASE WHEN @fraction IS NULL THEN note ELSE @note END,
    deaths = CASE WHEN @checkpoint > coalesce(checkpoint, 0) THEN 0 ELSE deaths END,
    checkpoint = CASE WHEN @checkpoint > coalesce(checkpoint, 0) THEN @checkpoint ELSE checkpoint END
WHERE id = @itemId AND epoch = @epoch AND state = 'leased'
