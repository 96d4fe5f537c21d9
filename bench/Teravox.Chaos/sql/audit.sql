-- SPDX-License-Identifier: Apache-2.0
-- Beside the states of grains, by the transactions that write them: every version that was ever stored of a range or an
-- experiment. What was rolled back is not here, and what is here was stored.
CREATE TABLE chaos_state (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type    text    NOT NULL,
    grain   text    NOT NULL,
    version integer NOT NULL,
    removed boolean NOT NULL,
    state   bytea
);

CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO chaos_state (type, grain, version, removed) VALUES (OLD.type, OLD.id_text, OLD.version, true);
    ELSE
        INSERT INTO chaos_state (type, grain, version, removed, state) VALUES (NEW.type, NEW.id_text, NEW.version, false, NEW.state);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chaos_watch AFTER INSERT OR UPDATE OR DELETE ON orleans_grain FOR EACH ROW EXECUTE FUNCTION chaos_watch();
