-- SPDX-License-Identifier: Apache-2.0
-- What is true of every row of the tables that are written for each item. The ledger's own schema leaves these out
-- for speed; see 0001_initial.sql.
ALTER TABLE work_item
    ADD CHECK (epoch >= attempt),
    ADD CHECK (idx >= 0),
    ADD CHECK (attempt >= 0),
    ADD CHECK (failures >= 0),
    ADD CHECK (deaths >= 0),
    ADD CHECK (fraction BETWEEN 0 AND 1),
    ADD CHECK (state IN ('available', 'leased', 'done', 'failed')),
    ADD CHECK ((lease_until IS NOT NULL) = (state = 'leased')),
    ADD CHECK (state <> 'leased' OR holder IS NOT NULL),
    ADD CHECK ((ended IS NOT NULL) = (state IN ('done', 'failed'))),
    ADD CHECK (state <> 'failed' OR error IS NOT NULL),
    ADD CHECK (result IS NULL OR state = 'done');
ALTER TABLE stage_part
    ADD CHECK (done >= 0);
