-- SPDX-License-Identifier: Apache-2.0
-- What the connection's schema is: its name (null: there is none), whether it is a ledger, and whether it has other tables.
SELECT current_setting('server_version_num')::integer AS Server,
       current_schema() AS Schema,
       to_regclass('teravox_schema') IS NOT NULL AS IsLedger,
       EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r')
           AS HasTables
