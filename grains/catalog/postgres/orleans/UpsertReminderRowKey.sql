-- SPDX-License-Identifier: Apache-2.0
INSERT INTO orleans_reminder AS r (service_id, grain_id, name, grain_hash, start, period)
VALUES (@ServiceId, @GrainId, @ReminderName, @GrainHash, @StartTime, @Period)
ON CONFLICT (service_id, grain_id, name) DO UPDATE
SET start = excluded.start, period = excluded.period, grain_hash = excluded.grain_hash, version = r.version + 1
RETURNING version AS Version
