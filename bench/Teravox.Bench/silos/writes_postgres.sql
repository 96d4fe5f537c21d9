-- SPDX-License-Identifier: Apache-2.0
-- Rows written so far as the server counts them, and how many there must be at least: its count follows the truth after seconds.
SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0) FROM pg_stat_user_tables WHERE relname IN ('orleans_grain', 'experiment', 'event')),
       (SELECT coalesce(sum(version), 0) FROM orleans_grain) + (SELECT count(*) FROM experiment) + (SELECT count(*) FROM event)
