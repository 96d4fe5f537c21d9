-- SPDX-License-Identifier: Apache-2.0
SELECT count(*)::integer FROM stage WHERE experiment_id = @experimentId AND state = 'failed' AND error IS NOT NULL
