-- SPDX-License-Identifier: Apache-2.0
UPDATE stage
SET state = 'ready'
WHERE state = 'waiting'
  AND id IN (SELECT e.stage_id FROM stage_edge e WHERE e.after_id = @stageId)
  AND NOT EXISTS (SELECT 1 FROM stage_edge e JOIN stage p ON p.id = e.after_id
                  WHERE e.stage_id = stage.id AND p.state <> 'done')
RETURNING name
