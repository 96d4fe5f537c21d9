-- SPDX-License-Identifier: Apache-2.0
INSERT INTO experiment (name, spec, state, priority, idempotency_key, owner, campaign, parameters, created)
VALUES (@name, @spec, 'running', @priority, @key, @owner, @campaign, @parameters, @now)
RETURNING id
