-- SPDX-License-Identifier: Apache-2.0
-- The cluster's version is a row even when it has no silo.
SELECT c.id AS DeploymentId, s.address AS Address, s.port AS Port, s.generation AS Generation, s.name AS SiloName,
       s.host AS HostName, s.status AS Status, s.gateway_port AS ProxyPort, s.suspicions AS SuspectTimes,
       s.started AS StartTime, s.alive AS IAmAliveTime, c.version AS Version
FROM orleans_cluster c LEFT JOIN orleans_silo s ON s.cluster_id = c.id
WHERE c.id = @DeploymentId
