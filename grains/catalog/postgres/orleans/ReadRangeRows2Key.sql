-- SPDX-License-Identifier: Apache-2.0
-- A range that goes round over the greatest hash.
SELECT grain_id AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
FROM orleans_reminder
WHERE service_id = @ServiceId AND (grain_hash > @BeginHash OR grain_hash <= @EndHash)
