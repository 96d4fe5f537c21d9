-- SPDX-License-Identifier: Apache-2.0
-- Of two processes that open a new database one migrates and one finds it done.
SELECT pg_advisory_xact_lock(6074861905)
