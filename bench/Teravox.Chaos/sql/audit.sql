-- SPDX-License-Identifier: Apache-2.0
-- Written beside the ledger by the ledger's own transactions: who committed each item under which epoch, and whatever
-- was done to an item after that.
CREATE TABLE chaos_commit (item bigint NOT NULL, epoch bigint NOT NULL, holder text NOT NULL);
CREATE TABLE chaos_tampering (item bigint NOT NULL, what text NOT NULL);

CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO chaos_tampering VALUES (OLD.id, 'deleted');
    ELSIF OLD.state = 'done' THEN
        INSERT INTO chaos_tampering VALUES (OLD.id, 'changed after its commit');
    ELSIF NEW.state = 'done' THEN
        INSERT INTO chaos_commit VALUES (NEW.id, NEW.epoch, NEW.holder);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chaos_watch AFTER UPDATE OR DELETE ON work_item FOR EACH ROW EXECUTE FUNCTION chaos_watch();
