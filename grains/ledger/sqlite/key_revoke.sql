-- SPDX-License-Identifier: Apache-2.0
UPDATE api_key SET revoked = @now WHERE name = @name AND revoked IS NULL
