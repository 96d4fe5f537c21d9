-- SPDX-License-Identifier: Apache-2.0
UPDATE stage SET blocked = NULL WHERE id = @stageId
