-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE teravox_schema (version integer PRIMARY KEY, applied bigint NOT NULL)
