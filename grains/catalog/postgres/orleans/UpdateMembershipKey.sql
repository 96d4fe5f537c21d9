-- SPDX-License-Identifier: Apache-2.0
-- 1 when the silo's status was changed: it is there, and nobody changed the cluster since the caller looked.
WITH cluster AS (
    UPDATE orleans_cluster
    SET version = version + 1, changed = clock_timestamp()
    WHERE id = @DeploymentId AND version = @Version
      AND EXISTS (
          SELECT FROM orleans_silo s
          WHERE s.cluster_id = @DeploymentId AND s.address = @Address AND s.port = @Port AND s.generation = @Generation)
    RETURNING id
), updated AS (
    UPDATE orleans_silo s
    SET status = @Status, suspicions = @SuspectTimes
    FROM cluster
    WHERE s.cluster_id = cluster.id AND s.address = @Address AND s.port = @Port AND s.generation = @Generation
    RETURNING s.cluster_id
)
SELECT count(*)::integer FROM updated
