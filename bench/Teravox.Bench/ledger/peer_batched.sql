-- SPDX-License-Identifier: Apache-2.0
-- For pgbench: ninety-six items by one claim, all by one commit.
WITH claimed AS (
    UPDATE peer_item
    SET state = 'leased', attempt = attempt + 1, epoch = epoch + 1, holder = 'peer', lease_until = 1
    WHERE id = ANY(ARRAY(SELECT id FROM peer_item WHERE stage_id = 1 AND state = 'available'
                         ORDER BY idx LIMIT 96 FOR UPDATE SKIP LOCKED))
    RETURNING id)
SELECT array_agg(id)::text AS items FROM claimed \gset
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = ANY(:items::bigint[]) AND epoch = 1;
