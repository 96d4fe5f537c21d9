-- SPDX-License-Identifier: Apache-2.0
DELETE FROM catalogue WHERE id = @id
