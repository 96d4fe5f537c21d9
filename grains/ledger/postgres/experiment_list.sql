-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, name AS Name, spec AS Spec, state AS State, priority AS Priority,
       idempotency_key AS IdempotencyKey, owner AS Owner, campaign AS Campaign, parameters AS Parameters,
       created AS Created, ended AS Ended
FROM experiment
WHERE id < coalesce(@before, 9223372036854775807)
  AND (@state::text IS NULL OR state = @state)
  AND (@campaign::text IS NULL OR campaign = @campaign)
  AND (@owner::text IS NULL OR owner = @owner)
ORDER BY id DESC
LIMIT @limit
