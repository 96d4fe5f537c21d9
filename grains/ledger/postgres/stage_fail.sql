-- SPDX-License-Identifier: Apache-2.0
UPDATE stage SET state = 'failed', ended = coalesce(ended, clock_ms(@given)) WHERE id = @stageId
