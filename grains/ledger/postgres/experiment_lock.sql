-- SPDX-License-Identifier: Apache-2.0
-- Whatever changes the states of an experiment's stages holds its row first. In the order of their ids, so that none
-- waits in a circle.
SELECT id FROM experiment WHERE id = ANY(@experimentIds) ORDER BY id FOR NO KEY UPDATE
