-- Journals and entries are written once, whole and balanced.

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused, corrections are new journals', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journals
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- One firing per journal, at commit: by then all its entries are there, and its line numbers are used up, so that
-- nothing can be added even where the check was made earlier (SET CONSTRAINTS IMMEDIATE).
CREATE FUNCTION journal_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries bigint;
    crooked text;
BEGIN
    SELECT coalesce(sum(side.entries), 0), min(side.currency) FILTER (WHERE side.net <> 0)
    INTO entries, crooked
    FROM (SELECT e.currency, count(*) AS entries,
                 sum(CASE e.direction WHEN 'D' THEN e.amount_minor ELSE -e.amount_minor END) AS net
          FROM public.ledger_entries AS e WHERE e.journal_id = NEW.journal_id GROUP BY e.currency) AS side;
    IF entries <> NEW.entry_count THEN
        RAISE EXCEPTION 'journal % has % of % entries', NEW.journal_id, entries, NEW.entry_count
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journals_complete';
    END IF;
    IF crooked IS NOT NULL THEN
        RAISE EXCEPTION 'journal %: debits and credits of % differ', NEW.journal_id, crooked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journals_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER journal_balanced AFTER INSERT ON journals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_balanced();
