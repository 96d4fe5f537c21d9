-- SPDX-License-Identifier: Apache-2.0
-- No row comes back when there is one of this key already; a transaction that writes one just now is waited for.
INSERT INTO experiment (name, spec, state, priority, idempotency_key, owner, campaign, parameters, created)
VALUES (@name, @spec, 'running', @priority, @key, @owner, @campaign, @parameters, clock_ms(@given))
ON CONFLICT (idempotency_key) DO NOTHING
RETURNING id
