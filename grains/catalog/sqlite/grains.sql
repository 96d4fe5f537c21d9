-- SPDX-License-Identifier: Apache-2.0
-- States of grains. etag grows with every write: who writes must have read the last one.

-- name: read
SELECT state AS State, etag AS Etag FROM grain WHERE id = @id AND type = @type

-- name: add
-- No row comes back when there is one, be it cleared: its reader has an etag.
INSERT INTO grain (id, type, state, etag) VALUES (@id, @type, @state, 1)
ON CONFLICT (id, type) DO NOTHING
RETURNING etag

-- name: replace
UPDATE grain SET state = @state, etag = etag + 1 WHERE id = @id AND type = @type AND etag = @etag RETURNING etag
