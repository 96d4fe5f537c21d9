-- SPDX-License-Identifier: Apache-2.0
INSERT INTO stage (experiment_id, ordinal, name, kind, arguments, needs_gpu, needs_memory, needs_tag,
                   max_failures, max_deaths, state)
VALUES (@experimentId, @ordinal, @name, @kind, @arguments, @needsGpu, @needsMemory, @needsTag,
        @maxFailures, @maxDeaths, @state)
RETURNING id
