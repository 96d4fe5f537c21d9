-- SPDX-License-Identifier: Apache-2.0
-- The states as they are now, in the form of states.sql.
SELECT type, chaos_key(id_text, id_low), version, false, state FROM orleans_grain ORDER BY 1, 2
