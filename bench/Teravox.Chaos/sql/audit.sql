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

-- Orleans stores a key that reads as a number as one, and reads it as hexadecimal.
CREATE FUNCTION chaos_key(id_text text, id_low bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN id_text = '' THEN to_hex(id_low) ELSE id_text END $$;

CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO chaos_state (type, grain, version, removed) VALUES (OLD.type, chaos_key(OLD.id_text, OLD.id_low), OLD.version, true);
    ELSE
        INSERT INTO chaos_state (type, grain, version, removed, state) VALUES (NEW.type, chaos_key(NEW.id_text, NEW.id_low), NEW.version, false, NEW.state);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER chaos_watch AFTER INSERT OR UPDATE OR DELETE ON orleans_grain FOR EACH ROW EXECUTE FUNCTION chaos_watch();
