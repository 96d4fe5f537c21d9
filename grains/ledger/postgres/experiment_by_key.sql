-- SPDX-License-Identifier: Apache-2.0
SELECT id FROM experiment WHERE idempotency_key = @key
