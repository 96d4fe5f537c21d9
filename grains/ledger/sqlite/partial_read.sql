-- SPDX-License-Identifier: Apache-2.0
SELECT counts FROM partial WHERE stage_id = @stageId AND name = @name
