-- SPDX-License-Identifier: Apache-2.0
DELETE FROM silo WHERE clock_ms(@given) - last_seen >= @forget
