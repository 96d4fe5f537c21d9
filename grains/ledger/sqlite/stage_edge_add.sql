-- SPDX-License-Identifier: Apache-2.0
INSERT INTO stage_edge (stage_id, after_id) VALUES (@stageId, @afterId)
