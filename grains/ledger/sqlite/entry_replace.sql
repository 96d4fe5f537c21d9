-- SPDX-License-Identifier: Apache-2.0
UPDATE catalogue
SET document = @document, version = version + 1, changed = @now
WHERE id = @id AND version = @version
