-- SPDX-License-Identifier: Apache-2.0
-- By the database's clock, whatever time the silo gives.
UPDATE orleans_silo
SET alive = clock_timestamp()
WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
