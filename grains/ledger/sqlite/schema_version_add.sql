-- SPDX-License-Identifier: Apache-2.0
INSERT INTO schema_version (version, applied) VALUES (@version, @now)
