-- SPDX-License-Identifier: Apache-2.0
-- How many of Orleans' statements are not there as given. $1 their keys, $2 their texts.
SELECT count(*)::integer
FROM unnest($1::text[], $2::text[]) AS given (key, text)
LEFT JOIN orleansquery q ON q.querykey = given.key AND q.querytext = given.text
WHERE q.querykey IS NULL
