-- SPDX-License-Identifier: Apache-2.0
-- Whether Orleans' tables are there.
SELECT to_regclass('orleans_schema') IS NOT NULL
