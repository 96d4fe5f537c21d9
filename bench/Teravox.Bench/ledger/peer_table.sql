-- SPDX-License-Identifier: Apache-2.0
-- @items: how many. A table equal to the ledger's own, for the machine's ceiling: items claimed and committed with
-- nothing else done.
DO $$
BEGIN
    CREATE TABLE peer_item (LIKE work_item INCLUDING ALL);
    EXECUTE (SELECT 'ALTER TABLE peer_item SET (' || array_to_string(reloptions, ', ') || ')' FROM pg_class
             WHERE oid = 'work_item'::regclass AND reloptions IS NOT NULL);
END $$;
INSERT INTO peer_item (stage_id, idx, state, available_at)
SELECT 1, n, 'available', 0 FROM generate_series(0, @items - 1) AS n;
