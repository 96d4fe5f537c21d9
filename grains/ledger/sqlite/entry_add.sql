-- SPDX-License-Identifier: Apache-2.0
-- No row comes back when the name is taken.
INSERT INTO catalogue (kind, name, owner, document, created, changed) VALUES (@kind, @name, @owner, @document, @now, @now)
ON CONFLICT (kind, name) DO NOTHING
RETURNING id AS Id, kind AS Kind, name AS Name, owner AS Owner, document AS Document, version AS Version,
          created AS Created, changed AS Changed
