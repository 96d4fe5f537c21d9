-- SPDX-License-Identifier: Apache-2.0
UPDATE work_item
SET state = 'available', available_at = clock_ms(@given) + @delay, holder = NULL, lease_until = NULL, fraction = 0,
    note = NULL, failures = failures + @failures, deaths = deaths + @deaths, attempt = attempt - @attempts,
    error = coalesce(@error, error)
WHERE id = @id AND lease_until IS NOT NULL
