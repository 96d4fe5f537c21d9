-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE IF NOT EXISTS orleans_schema (
    version integer     PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT clock_timestamp()
)
