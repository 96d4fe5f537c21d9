-- SPDX-License-Identifier: Apache-2.0
SELECT state AS State, count(*) AS Count FROM experiment GROUP BY state
