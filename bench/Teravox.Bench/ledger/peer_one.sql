-- SPDX-License-Identifier: Apache-2.0
-- For pgbench: sixteen items by one claim, each by a commit of its own.
WITH claimed AS (
    UPDATE peer_item
    SET state = 'leased', attempt = attempt + 1, epoch = epoch + 1, holder = 'peer', lease_until = 1
    WHERE id = ANY(ARRAY(SELECT id FROM peer_item WHERE stage_id = 1 AND state = 'available'
                         ORDER BY idx LIMIT 16 FOR UPDATE SKIP LOCKED))
    RETURNING id)
SELECT g[1] AS i1, g[2] AS i2, g[3] AS i3, g[4] AS i4, g[5] AS i5, g[6] AS i6, g[7] AS i7, g[8] AS i8,
       g[9] AS i9, g[10] AS i10, g[11] AS i11, g[12] AS i12, g[13] AS i13, g[14] AS i14, g[15] AS i15, g[16] AS i16
FROM (SELECT array_agg(id) AS g FROM claimed) c \gset
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i1::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i2::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i3::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i4::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i5::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i6::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i7::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i8::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i9::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i10::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i11::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i12::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i13::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i14::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i15::bigint AND epoch = 1;
UPDATE peer_item SET state = 'done', lease_until = NULL, ended = 1 WHERE id = :i16::bigint AND epoch = 1;
