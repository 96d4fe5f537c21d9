-- SPDX-License-Identifier: Apache-2.0
INSERT INTO silo AS s (name, entry, status, started, last_seen)
SELECT @name, @entry, @status, c.now, c.now FROM (SELECT clock_ms(@given) AS now OFFSET 0) c
ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, last_seen = greatest(s.last_seen, excluded.last_seen)
