-- SPDX-License-Identifier: Apache-2.0
-- The items that a silo has under lease, or had.
SELECT i.id FROM work_item i WHERE i.holder = @holder AND i.state = 'leased' ORDER BY i.id
