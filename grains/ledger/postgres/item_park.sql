-- SPDX-License-Identifier: Apache-2.0
UPDATE work_item
SET state = 'failed', holder = NULL, lease_until = NULL, failures = failures + @failures, deaths = deaths + @deaths,
    error = @error, ended = clock_ms(@given)
WHERE id = @id AND lease_until IS NOT NULL
