-- SPDX-License-Identifier: Apache-2.0
INSERT INTO stage_edge (stage_id, after_id)
SELECT s.id, a.id
FROM unnest(@names, @afters) AS n (name, after)
JOIN stage s ON s.experiment_id = @experimentId AND s.name = n.name
JOIN stage a ON a.experiment_id = @experimentId AND a.name = n.after
