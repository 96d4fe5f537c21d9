-- SPDX-License-Identifier: Apache-2.0
UPDATE work_item
SET state = 'failed', holder = NULL, lease_until = NULL, failures = failures + @failures, deaths = deaths + @deaths,
    error = @error, ended = @now
WHERE id = @id AND state = 'leased'
