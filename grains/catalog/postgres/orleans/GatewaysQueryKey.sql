-- SPDX-License-Identifier: Apache-2.0
-- Where clients may connect.
SELECT address AS Address, gateway_port AS ProxyPort, generation AS Generation
FROM orleans_silo
WHERE cluster_id = @DeploymentId AND status = @Status AND gateway_port > 0
