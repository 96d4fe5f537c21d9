-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, name AS Name, spec AS Spec, state AS State, priority AS Priority,
       idempotency_key AS IdempotencyKey, created AS Created, ended AS Ended,
       owner AS Owner, campaign AS Campaign, parameters AS Parameters
FROM experiment
WHERE id = @experimentId
