-- SPDX-License-Identifier: Apache-2.0
-- Waits for the claims under way and keeps new ones waiting until this transaction's end: each holds the lock shared
-- (claims_share.sql). Without it a claim that saw an experiment before its cancel could lease an item after it.
SELECT pg_advisory_xact_lock('work_item'::regclass::oid::bigint)
