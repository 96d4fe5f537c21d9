-- SPDX-License-Identifier: Apache-2.0
SELECT grain_id AS GrainId, name AS ReminderName, start AS StartTime, period AS Period, version AS Version
FROM orleans_reminder
WHERE service_id = @ServiceId AND grain_id = @GrainId
