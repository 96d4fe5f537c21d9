-- SPDX-License-Identifier: Apache-2.0
-- The states as they are now, in the form of states.sql.
SELECT type, id_text, version, false, state FROM orleans_grain ORDER BY type, id_text
