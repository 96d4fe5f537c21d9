-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, name AS Name, role AS Role, created AS Created, revoked AS Revoked
FROM api_key
ORDER BY id
