-- SPDX-License-Identifier: Apache-2.0
-- Seconds since 2022 by the database's clock, as Orleans counts them by the silo's; more than any silo of this address had.
SELECT greatest(
    floor(extract(epoch FROM clock_timestamp() - timestamptz '2022-01-01 00:00:00+00'))::integer,
    (SELECT max(generation) + 1 FROM orleans_silo WHERE address = $1 AND port = $2))
