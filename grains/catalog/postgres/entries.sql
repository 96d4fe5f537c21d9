-- SPDX-License-Identifier: Apache-2.0
-- What people keep by name: volumes, models, uploads, campaigns.

-- name: add
-- No row comes back when the name is taken.
INSERT INTO entry (kind, name, owner, document, created, changed)
SELECT @kind, @name, @owner, @document, time, time FROM now_ms() AS clock(time)
ON CONFLICT (kind, name) DO NOTHING
RETURNING id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
       created AS Created, changed AS Changed

-- name: find
SELECT id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
       created AS Created, changed AS Changed
FROM entry
WHERE kind = @kind AND id = @id

-- name: findByName
SELECT id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
       created AS Created, changed AS Changed
FROM entry
WHERE kind = @kind AND name = @name

-- name: ofKind
SELECT id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
       created AS Created, changed AS Changed
FROM entry
WHERE kind = @kind AND id < coalesce(@before, 9223372036854775807)
ORDER BY id DESC
LIMIT @limit

-- name: replace
UPDATE entry SET document = @document, version = version + 1, changed = now_ms() WHERE id = @id AND version = @version

-- name: remove
DELETE FROM entry WHERE id = @id
