-- SPDX-License-Identifier: Apache-2.0
INSERT INTO experiment (name, spec, state, priority, idempotency_key, created)
VALUES (@name, @spec, 'running', @priority, @key, @now)
RETURNING id
