-- SPDX-License-Identifier: Apache-2.0
INSERT INTO orleans_schema (version) VALUES ($1)
