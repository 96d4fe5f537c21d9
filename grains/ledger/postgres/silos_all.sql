-- SPDX-License-Identifier: Apache-2.0
SELECT entry AS Entry, status AS Status, started AS Started, last_seen AS LastSeen,
       greatest(0, clock_ms(@given) - last_seen) AS Silent
FROM silo
ORDER BY name
