-- SPDX-License-Identifier: Apache-2.0
-- Rights in the catalog's schema, no more than each role needs:
--   teravox_owner   (any name: whoever runs this) owns the schema and migrates it; no silo runs as this role
--   teravox_silo    what silos do: reads all, adds and changes rows; no table is made, changed or dropped, and no
--                   event, experiment, key or state of a grain is deleted, and no event is rewritten
--   teravox_reader  looks, for people and dashboards; keys' hashes excepted
--
-- Once, as an administrator:   CREATE ROLE teravox_owner LOGIN CREATEROLE; CREATE DATABASE teravox OWNER teravox_owner;
-- Then, and again after every upgrade that brings migrations, as the owner:
--   teravox key list --database postgres://teravox_owner@host/teravox        # any command that opens the database migrates it
--   psql -v ON_ERROR_STOP=1 -d postgres://teravox_owner@host/teravox -f deploy/sql/roles.sql
-- A schema other than the role's own is set before, by PGOPTIONS="-c search_path=NAME". Passwords are set apart: \password.
--
-- One statement, so that silos at work see the old rights or the new ones.
DO $$
DECLARE
    silo   CONSTANT text := 'teravox_silo';
    reader CONSTANT text := 'teravox_reader';
    role   text;
BEGIN
    IF to_regclass('catalog_version') IS NULL THEN
        RAISE EXCEPTION 'Schema % has no catalog yet; open it once as its owner, as with: teravox key list', current_schema();
    END IF;

    FOREACH role IN ARRAY ARRAY[silo, reader] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        -- What an older version of this file granted goes first.
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', current_schema(), role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), role);
    END LOOP;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());

    GRANT INSERT ON experiment, event, entry, api_key, item_count TO teravox_silo;
    GRANT UPDATE (state, ended) ON experiment TO teravox_silo;
    GRANT UPDATE (document, version, changed) ON entry TO teravox_silo;
    GRANT UPDATE (waiting, handed_out, done, failed) ON item_count TO teravox_silo;
    GRANT DELETE ON entry TO teravox_silo;
    GRANT UPDATE (revoked) ON api_key TO teravox_silo;

    -- What Orleans' providers do by their statements in orleansquery, which are the owner's. States are cleared, not deleted.
    GRANT INSERT, UPDATE ON orleans_cluster, orleans_grain TO teravox_silo;
    GRANT INSERT, UPDATE, DELETE ON orleans_silo, orleans_reminder TO teravox_silo;

    REVOKE SELECT ON api_key FROM teravox_reader;
    GRANT SELECT (id, name, role, created, revoked) ON api_key TO teravox_reader;
END $$;
