-- SPDX-License-Identifier: Apache-2.0
INSERT INTO stage (experiment_id, ordinal, name, kind, arguments, needs_gpu, needs_memory, needs_tag,
                   max_failures, max_deaths, state)
SELECT @experimentId, n.ordinal - 1, n.name, n.kind, n.arguments, n.gpu, n.memory, n.tag, n.failures, n.deaths, n.state
FROM unnest(@names, @kinds, @arguments, @gpus, @memories, @tags, @failures, @deaths, @states)
    WITH ORDINALITY AS n (name, kind, arguments, gpu, memory, tag, failures, deaths, state, ordinal)
ORDER BY n.ordinal
