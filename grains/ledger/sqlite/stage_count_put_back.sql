-- SPDX-License-Identifier: Apache-2.0
UPDATE stage SET leased = leased - 1 WHERE id = @stageId
