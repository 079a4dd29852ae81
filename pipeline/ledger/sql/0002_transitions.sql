-- Which status may follow which; equal to pipeline.ledger.statuses.TRANSITIONS, which a test compares.

CREATE TABLE status_transitions (
    from_status  text NOT NULL,
    to_status    text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);
INSERT INTO status_transitions (from_status, to_status) VALUES
    ('RECEIVED', 'VALIDATED'), ('RECEIVED', 'REJECTED'),
    ('VALIDATED', 'RESERVED'), ('VALIDATED', 'REJECTED'),
    ('RESERVED', 'AUTHORIZING'), ('RESERVED', 'VOIDING'),
    ('AUTHORIZING', 'AUTHORIZED'), ('AUTHORIZING', 'DECLINED'), ('AUTHORIZING', 'IN_DOUBT'), ('AUTHORIZING', 'VOIDING'),
    ('AUTHORIZED', 'CAPTURING'), ('AUTHORIZED', 'VOIDING'),
    ('CAPTURING', 'CAPTURED'), ('CAPTURING', 'AUTHORIZED'), ('CAPTURING', 'IN_DOUBT'), ('CAPTURING', 'VOIDING'),
    ('IN_DOUBT', 'AUTHORIZED'), ('IN_DOUBT', 'DECLINED'), ('IN_DOUBT', 'CAPTURED'), ('IN_DOUBT', 'CAPTURING'),
    ('IN_DOUBT', 'VOIDING'),
    ('VOIDING', 'VOIDED'), ('VOIDING', 'DECLINED'), ('VOIDING', 'REJECTED'), ('VOIDING', 'COMPENSATION_STUCK'),
    ('COMPENSATION_STUCK', 'VOIDING'),
    ('CAPTURED', 'COMMITTED'), ('CAPTURED', 'PARTIALLY_REFUNDED'), ('CAPTURED', 'REFUNDED'),
    ('CAPTURED', 'CHARGED_BACK'), ('CAPTURED', 'VOIDED'),
    ('COMMITTED', 'PARTIALLY_REFUNDED'), ('COMMITTED', 'REFUNDED'), ('COMMITTED', 'CHARGED_BACK'),
    ('COMMITTED', 'VOIDED'),
    ('PARTIALLY_REFUNDED', 'PARTIALLY_REFUNDED'), ('PARTIALLY_REFUNDED', 'REFUNDED'),
    ('PARTIALLY_REFUNDED', 'CHARGED_BACK'), ('PARTIALLY_REFUNDED', 'COMMITTED'),
    ('REFUNDED', 'PARTIALLY_REFUNDED'), ('REFUNDED', 'COMMITTED'), ('REFUNDED', 'CHARGED_BACK'),
    ('CHARGED_BACK', 'COMMITTED'), ('CHARGED_BACK', 'PARTIALLY_REFUNDED'), ('CHARGED_BACK', 'REFUNDED');

CREATE FUNCTION payment_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'RECEIVED' OR NEW.version <> 1 OR NEW.fence <> 1 THEN
        RAISE EXCEPTION 'a payment begins RECEIVED, with version 1 and fence 1' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_begins BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION payment_begins();

CREATE FUNCTION payment_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.fence < OLD.fence THEN
        RAISE EXCEPTION 'the fence of payment % goes back from % to %', OLD.payment_id, OLD.fence, NEW.fence
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.version = OLD.version AND NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'payment % goes from version % to %', OLD.payment_id, OLD.version, NEW.version
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM public.status_transitions AS t
                   WHERE t.from_status = OLD.status AND t.to_status = NEW.status) THEN
        RAISE EXCEPTION 'payment % cannot go from % to %', OLD.payment_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_moves BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION payment_moves();
