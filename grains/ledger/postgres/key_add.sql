-- SPDX-License-Identifier: Apache-2.0
-- No row comes back when a key in use has the name, or any key has the hash.
INSERT INTO api_key (name, role, hash, created) VALUES (@name, @role, @hash, clock_ms(@given))
ON CONFLICT DO NOTHING
RETURNING id AS Id, name AS Name, role AS Role, created AS Created, revoked AS Revoked
