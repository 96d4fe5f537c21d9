-- SPDX-License-Identifier: Apache-2.0
-- 3 is an active silo.
DELETE FROM orleans_silo
WHERE cluster_id = @DeploymentId AND status <> 3 AND alive < @IAmAliveTime
