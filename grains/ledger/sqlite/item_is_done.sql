-- SPDX-License-Identifier: Apache-2.0
SELECT EXISTS (SELECT 1 FROM work_item WHERE id = @itemId AND epoch = @epoch AND state = 'done')
