-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, name AS Name, spec AS Spec, state AS State, priority AS Priority,
       idempotency_key AS IdempotencyKey, created AS Created, ended AS Ended,
       owner AS Owner, campaign AS Campaign, parameters AS Parameters
FROM experiment
WHERE campaign = @campaign AND id < coalesce(@before, 9223372036854775807)
  AND (@state IS NULL OR state = @state)
  AND (@owner IS NULL OR owner = @owner)
ORDER BY id DESC
LIMIT @limit
