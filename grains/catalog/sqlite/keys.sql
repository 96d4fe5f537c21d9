-- SPDX-License-Identifier: Apache-2.0
-- API keys, by the SHA-256 of their secrets.

-- name: add
-- No row comes back when a key in use has the name, or any key has the hash.
INSERT INTO api_key (name, role, hash, created) VALUES (@name, @role, @hash, CAST(unixepoch('subsec') * 1000 AS INTEGER))
ON CONFLICT DO NOTHING
RETURNING id AS Id, name AS Name, role AS Role, created AS Created, revoked AS Revoked

-- name: find
SELECT id AS Id, name AS Name, role AS Role, created AS Created, revoked AS Revoked FROM api_key WHERE hash = @hash AND revoked IS NULL

-- name: all
SELECT id AS Id, name AS Name, role AS Role, created AS Created, revoked AS Revoked FROM api_key ORDER BY id

-- name: revoke
UPDATE api_key SET revoked = CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE name = @name AND revoked IS NULL
