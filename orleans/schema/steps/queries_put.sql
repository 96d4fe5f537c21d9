-- SPDX-License-Identifier: Apache-2.0
-- $1 keys, $2 texts.
INSERT INTO orleansquery AS q (querykey, querytext)
SELECT given.key, given.text FROM unnest($1::text[], $2::text[]) AS given (key, text)
ON CONFLICT (querykey) DO UPDATE SET querytext = excluded.querytext WHERE q.querytext <> excluded.querytext
