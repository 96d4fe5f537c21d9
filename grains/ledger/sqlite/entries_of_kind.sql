-- SPDX-License-Identifier: Apache-2.0
SELECT id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
       created AS Created, changed AS Changed
FROM catalogue
WHERE kind = @kind AND id < coalesce(@before, 9223372036854775807)
ORDER BY id DESC
LIMIT @limit
