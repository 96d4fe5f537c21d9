-- SPDX-License-Identifier: Apache-2.0
INSERT INTO silo (name, entry, status, started, last_seen) VALUES (@name, @entry, @status, @now, @now)
ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, last_seen = max(last_seen, excluded.last_seen)
