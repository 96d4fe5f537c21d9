-- SPDX-License-Identifier: Apache-2.0
UPDATE silo SET status = @status, last_seen = max(last_seen, @now) WHERE name = @name
