-- SPDX-License-Identifier: Apache-2.0
-- $1 item, $2 epoch, $3 holder, $4 ttl in ms, $5 fraction or null, $6 note, $7 checkpoint or null, $8 time of a test or null.
-- An item whose checkpoint grows is getting on: its deaths are forgotten.
UPDATE work_item
SET lease_until = clock_ms($8) + $4,
    fraction = coalesce($5, fraction),
    note = CASE WHEN $5::double precision IS NULL THEN note ELSE $6 END,
    deaths = CASE WHEN $7::bigint > coalesce(checkpoint, 0) THEN 0 ELSE deaths END,
    checkpoint = CASE WHEN $7 > coalesce(checkpoint, 0) THEN $7 ELSE checkpoint END
WHERE id = $1 AND epoch = $2 AND holder = $3 AND lease_until IS NOT NULL
