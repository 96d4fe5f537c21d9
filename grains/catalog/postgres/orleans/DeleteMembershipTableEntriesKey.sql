-- SPDX-License-Identifier: Apache-2.0
WITH silos AS (
    DELETE FROM orleans_silo WHERE cluster_id = @DeploymentId
)
DELETE FROM orleans_cluster WHERE id = @DeploymentId
