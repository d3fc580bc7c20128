-- Who sends transactions: one process at a time. A lease ends by itself.
CREATE TABLE lease (
    name   TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL, -- a process
    until  BIGINT NOT NULL            -- milliseconds since 1970, UTC
);

-- What is put on a chain. `seq` is counted by the store, so that a copy in another database keeps it.
CREATE TABLE anchor (
    seq        BIGINT PRIMARY KEY,
    chain_id   BIGINT NOT NULL,           -- EIP-155
    contract   TEXT COLLATE "C" NOT NULL, -- its address, 0x and 40 lower-case hexadecimal digits
    kind       TEXT COLLATE "C" NOT NULL, -- `root` of a log, `commit` or `revoke` of certificates
    log_size   BIGINT NOT NULL,           -- entries that a root covers; 0 for certificates
    root       TEXT COLLATE "C" NOT NULL, -- 0x and 64 digits; empty for certificates
    state      TEXT COLLATE "C" NOT NULL, -- `waiting`: nothing is signed; `sent`: a signed transaction may be on its way; `final`
    reason     TEXT COLLATE "C" NOT NULL, -- why it is not further than that, where something is in its way
    tx         TEXT COLLATE "C" NOT NULL, -- the transaction that did it, 0x and 64 digits; empty before
    block      BIGINT NOT NULL,           -- where it did it; 0 before
    block_at   BIGINT NOT NULL,           -- that block's time, milliseconds since 1970, UTC; 0 before
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX anchor_of_size ON anchor (chain_id, contract, log_size) WHERE kind = 'root';
CREATE INDEX anchor_open ON anchor (seq) WHERE state <> 'final';
CREATE INDEX anchor_by_size ON anchor (kind, state, log_size);

-- Certificates that are put on a chain one by one.
CREATE TABLE anchor_certificate (
    chain_id       BIGINT NOT NULL,
    contract       TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL, -- `commit` or `revoke`
    certificate_id TEXT COLLATE "C" NOT NULL,
    payload_hash   TEXT COLLATE "C" NOT NULL, -- 0x and 64 digits
    anchor         BIGINT NOT NULL REFERENCES anchor (seq),
    PRIMARY KEY (chain_id, contract, kind, certificate_id)
);

CREATE INDEX anchor_certificate_by_id ON anchor_certificate (certificate_id);
CREATE INDEX anchor_certificate_by_anchor ON anchor_certificate (anchor);

-- Signed transactions, kept before they are sent: what a crash interrupts is sent as it was signed. Of two processes that sign for
-- the same sender and nonce, the key lets one in.
CREATE TABLE anchor_transaction (
    chain_id  BIGINT NOT NULL,
    sender    TEXT COLLATE "C" NOT NULL, -- address
    nonce     BIGINT NOT NULL,
    attempt   BIGINT NOT NULL,           -- 0, then one more for each replacement at a higher fee
    anchor    BIGINT NOT NULL REFERENCES anchor (seq),
    hash      TEXT COLLATE "C" NOT NULL, -- 0x and 64 digits
    raw       BYTEA NOT NULL,            -- EIP-2718
    max_fee   BIGINT NOT NULL,           -- wei per gas
    tip       BIGINT NOT NULL,           -- wei per gas
    signed_at BIGINT NOT NULL,
    PRIMARY KEY (chain_id, sender, nonce, attempt)
);

CREATE INDEX anchor_transaction_by_anchor ON anchor_transaction (anchor, nonce, attempt);

-- One anchor is word about very many packages: readers that keep answers make them anew. A payload that names no package means
-- all of them.
CREATE FUNCTION anchor_changes_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sigma_package', '*');
    RETURN NULL;
END $$;
CREATE TRIGGER anchor_changes_everything AFTER INSERT OR UPDATE ON anchor
FOR EACH ROW EXECUTE FUNCTION anchor_changes_everything();
