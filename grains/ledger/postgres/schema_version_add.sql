-- SPDX-License-Identifier: Apache-2.0
INSERT INTO teravox_schema (version, applied) VALUES (@version, clock_ms(@given))
