-- SPDX-License-Identifier: Apache-2.0
UPDATE api_key SET revoked = clock_ms(@given) WHERE name = @name AND revoked IS NULL
