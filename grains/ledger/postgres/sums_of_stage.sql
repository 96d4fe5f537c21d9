-- SPDX-License-Identifier: Apache-2.0
SELECT name AS Name, counts AS Counts FROM partial WHERE stage_id = @stageId
