-- SPDX-License-Identifier: Apache-2.0
-- 1 when this call made the cluster.
WITH made AS (
    INSERT INTO orleans_cluster (id) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING id
)
SELECT count(*)::integer FROM made
