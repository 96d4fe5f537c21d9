-- SPDX-License-Identifier: Apache-2.0
SELECT entry AS Entry, status AS Status, started AS Started, last_seen AS LastSeen,
       max(0, coalesce(@given, CAST(unixepoch('subsec') * 1000 AS INTEGER)) - last_seen) AS Silent
FROM silo
ORDER BY name
