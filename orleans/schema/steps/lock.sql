-- SPDX-License-Identifier: Apache-2.0
-- One silo at a time until the transaction ends. $1: any number that nobody else in the database uses for this.
SELECT pg_advisory_xact_lock($1)
