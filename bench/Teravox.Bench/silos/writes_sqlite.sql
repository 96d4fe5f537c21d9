-- SPDX-License-Identifier: Apache-2.0
-- Rows written so far: a grain's etag grows with each write, and an experiment is written at its begin and its end.
SELECT (SELECT coalesce(sum(etag), 0) FROM grain) + (SELECT 2 * count(*) FROM experiment) + (SELECT count(*) FROM event)
