-- SPDX-License-Identifier: Apache-2.0

-- name: versionTable
CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied INTEGER NOT NULL) STRICT

-- name: version
SELECT coalesce(max(version), 0) FROM schema_version

-- name: addVersion
INSERT INTO schema_version (version, applied) VALUES (@version, CAST(unixepoch('subsec') * 1000 AS INTEGER))
