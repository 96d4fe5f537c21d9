-- SPDX-License-Identifier: Apache-2.0
WITH deleted AS (
    DELETE FROM orleans_reminder
    WHERE service_id = @ServiceId AND grain_id = @GrainId AND name = @ReminderName AND version = @Version
    RETURNING name
)
SELECT count(*)::integer FROM deleted
