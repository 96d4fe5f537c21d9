-- SPDX-License-Identifier: Apache-2.0
UPDATE silo SET status = @status, last_seen = greatest(last_seen, clock_ms(@given)) WHERE name = @name
