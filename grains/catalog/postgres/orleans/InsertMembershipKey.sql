-- SPDX-License-Identifier: Apache-2.0
-- 1 when the silo is entered: it was not there, and nobody changed the cluster since the caller looked. The row of the
-- cluster is held by the first of two callers; the second finds another version in it. Times are the
-- database's, whatever the silo gives.
WITH cluster AS (
    UPDATE orleans_cluster
    SET version = version + 1, changed = clock_timestamp()
    WHERE id = @DeploymentId AND version = @Version
      AND NOT EXISTS (
          SELECT FROM orleans_silo s
          WHERE s.cluster_id = @DeploymentId AND s.address = @Address AND s.port = @Port AND s.generation = @Generation)
    RETURNING id
), entered AS (
    INSERT INTO orleans_silo (cluster_id, address, port, generation, name, host, status, gateway_port, started, alive)
    SELECT id, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, clock_timestamp(), clock_timestamp()
    FROM cluster
    RETURNING cluster_id
)
SELECT count(*)::integer FROM entered
