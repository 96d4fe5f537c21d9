-- SPDX-License-Identifier: Apache-2.0
UPDATE stage
SET leased = leased - 1, failed = failed + 1, state = 'failed', ended = coalesce(ended, @now)
WHERE id = @stageId
