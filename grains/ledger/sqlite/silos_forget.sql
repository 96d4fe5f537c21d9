-- SPDX-License-Identifier: Apache-2.0
DELETE FROM silo WHERE @now - last_seen >= @forget
