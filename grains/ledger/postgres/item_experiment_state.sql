-- SPDX-License-Identifier: Apache-2.0
SELECT x.state
FROM work_item i JOIN stage s ON s.id = i.stage_id JOIN experiment x ON x.id = s.experiment_id
WHERE i.id = $1
