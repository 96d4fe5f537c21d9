-- SPDX-License-Identifier: Apache-2.0
-- See claims_stop.sql. A statement of its own before the claim, which so sees what was committed while it waited.
SELECT pg_advisory_xact_lock_shared('work_item'::regclass::oid::bigint)
