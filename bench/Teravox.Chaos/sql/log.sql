-- SPDX-License-Identifier: Apache-2.0
-- How often each kind of line is in the log.
SELECT kind, count(*) FROM event GROUP BY kind
