-- SPDX-License-Identifier: Apache-2.0
-- Until the end of the transaction. Keys of equal hash share a lock, which only makes them wait for each other.
SELECT pg_advisory_xact_lock(hash)
FROM (SELECT DISTINCT hashtextextended(key, 6074861906) AS hash FROM unnest(@keys) AS key ORDER BY hash) AS hashes
