-- Certificates that are older than the log were looked through for those that are not in it: up to this id; `~`, which is above all
-- ids, at the end. The walk begins when the store gets its log, and is done once.
ALTER TABLE ledger ADD COLUMN walked TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The contract of each chain, and what of this store it has: what is older than its row here is found by a walk as above.
CREATE TABLE contract (
    chain_id BIGINT PRIMARY KEY,        -- EIP-155
    contract TEXT COLLATE "C" NOT NULL, -- its address, 0x and 40 lower-case hexadecimal digits
    takes    BIGINT NOT NULL,           -- 1 where every certificate is put there; 0 where roots of the log are
    walked   TEXT COLLATE "C" NOT NULL,
    decided  BIGINT NOT NULL            -- revocations up to this place in the operators' log are there, or no longer stand
);

-- Certificates that are sealed and wait to be put into the contract of a chain. Written by triggers, so that no writer can forget it.
CREATE TABLE uncommitted (
    chain_id       BIGINT NOT NULL,
    certificate_id TEXT COLLATE "C" NOT NULL,
    certified_at   BIGINT NOT NULL, -- milliseconds since 1970, UTC
    PRIMARY KEY (chain_id, certificate_id)
);

CREATE INDEX uncommitted_by_time ON uncommitted (chain_id, certified_at, certificate_id);

CREATE FUNCTION certificate_is_uncommitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO uncommitted (chain_id, certificate_id, certified_at)
    SELECT chain_id, NEW.id, NEW.certified_at FROM contract WHERE takes = 1;
    RETURN NULL;
END $$;
CREATE TRIGGER certificate_is_uncommitted AFTER INSERT ON certificate
FOR EACH ROW EXECUTE FUNCTION certificate_is_uncommitted();
CREATE TRIGGER submission_certificate_is_uncommitted AFTER INSERT ON submission_certificate
FOR EACH ROW EXECUTE FUNCTION certificate_is_uncommitted();
