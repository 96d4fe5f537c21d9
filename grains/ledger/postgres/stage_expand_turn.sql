-- SPDX-License-Identifier: Apache-2.0
-- True for one transaction at a time, and only while the stage is ready.
SELECT EXISTS (SELECT 1 FROM stage s JOIN experiment x ON x.id = s.experiment_id
               WHERE s.id = @stageId AND s.state = 'ready' AND x.state = 'running')
    AND pg_try_advisory_xact_lock('stage'::regclass::oid::integer, hashint8(@stageId))
