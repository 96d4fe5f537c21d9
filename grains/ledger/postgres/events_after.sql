-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, experiment_id AS ExperimentId, at AS At, kind AS Kind, stage AS Stage, text AS Text
FROM event
WHERE (@experimentId::bigint IS NULL OR experiment_id = @experimentId) AND id > @after
ORDER BY id
LIMIT @limit
