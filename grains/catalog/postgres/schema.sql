-- SPDX-License-Identifier: Apache-2.0

-- name: lock
-- Of two processes that open a new database one migrates and one finds it done.
SELECT pg_advisory_xact_lock(6074861905)

-- name: look
-- What the connection's schema is: its name (null: there is none), whether it is a catalog, whether it is of an older Teravox,
-- and whether it has other tables.
SELECT current_setting('server_version_num')::integer AS Server,
       current_schema() AS Schema,
       to_regclass('catalog_version') IS NOT NULL AS IsCatalog,
       to_regclass('teravox_schema') IS NOT NULL AS IsOlder,
       EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r')
           AS HasTables

-- name: make
-- NAME stands for a schema's name, which can not be a parameter; it was checked to be letters, digits and '_'.
CREATE SCHEMA IF NOT EXISTS NAME

-- name: versionTable
CREATE TABLE catalog_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT clock_timestamp())

-- name: version
SELECT coalesce(max(version), 0) FROM catalog_version

-- name: addVersion
INSERT INTO catalog_version (version) VALUES (@version)

-- name: queriesMissing
-- Statements of Orleans' providers that are not in their table as this build has them.
SELECT count(*)::integer FROM unnest(@keys, @texts) AS q (querykey, querytext)
WHERE NOT EXISTS (SELECT 1 FROM orleansquery o WHERE o.querykey = q.querykey AND o.querytext = q.querytext)

-- name: putQueries
INSERT INTO orleansquery (querykey, querytext) SELECT * FROM unnest(@keys, @texts)
ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext

-- name: noTimeout
-- For the few transactions that may take long.
SET LOCAL statement_timeout = 0

-- name: listen
-- LISTEN takes no expression; the channel is the one of the function notify_news().
DO $$ BEGIN EXECUTE format('LISTEN %I', 'teravox.' || current_schema()); END $$

-- name: notify
SELECT notify_news()
