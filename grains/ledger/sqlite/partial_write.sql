-- SPDX-License-Identifier: Apache-2.0
INSERT INTO partial (stage_id, name, counts) VALUES (@stageId, @name, @counts)
ON CONFLICT (stage_id, name) DO UPDATE SET counts = excluded.counts
