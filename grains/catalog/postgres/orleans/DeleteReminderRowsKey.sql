-- SPDX-License-Identifier: Apache-2.0
DELETE FROM orleans_reminder WHERE service_id = @ServiceId
