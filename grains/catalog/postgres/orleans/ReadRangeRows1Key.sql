-- SPDX-License-Identifier: Apache-2.0
-- The range of hashes that a silo looks after.
SELECT grain_id AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
FROM orleans_reminder
WHERE service_id = @ServiceId AND grain_hash > @BeginHash AND grain_hash <= @EndHash
