-- Who sends transactions: one process at a time. A lease ends by itself.
CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,    -- a process
    until  INTEGER NOT NULL  -- milliseconds since 1970, UTC
) STRICT, WITHOUT ROWID;

-- What is put on a chain. `seq` is counted by the store, so that a copy in another database keeps it.
CREATE TABLE anchor (
    seq        INTEGER PRIMARY KEY,
    chain_id   INTEGER NOT NULL, -- EIP-155
    contract   TEXT NOT NULL,    -- its address, 0x and 40 lower-case hexadecimal digits
    kind       TEXT NOT NULL,    -- `root` of a log, `commit` or `revoke` of certificates
    log_size   INTEGER NOT NULL, -- entries that a root covers; 0 for certificates
    root       TEXT NOT NULL,    -- 0x and 64 digits; empty for certificates
    state      TEXT NOT NULL,    -- `waiting`: nothing is signed; `sent`: a signed transaction may be on its way; `final`
    reason     TEXT NOT NULL,    -- why it is not further than that, where something is in its way
    tx         TEXT NOT NULL,    -- the transaction that did it, 0x and 64 digits; empty before
    block      INTEGER NOT NULL, -- where it did it; 0 before
    block_at   INTEGER NOT NULL, -- that block's time, milliseconds since 1970, UTC; 0 before
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX anchor_of_size ON anchor (chain_id, contract, log_size) WHERE kind = 'root';
CREATE INDEX anchor_open ON anchor (seq) WHERE state <> 'final';
CREATE INDEX anchor_by_size ON anchor (kind, state, log_size);

-- Certificates that are put on a chain one by one.
CREATE TABLE anchor_certificate (
    chain_id       INTEGER NOT NULL,
    contract       TEXT NOT NULL,
    kind           TEXT NOT NULL, -- `commit` or `revoke`
    certificate_id TEXT NOT NULL,
    payload_hash   TEXT NOT NULL, -- 0x and 64 digits
    anchor         INTEGER NOT NULL REFERENCES anchor (seq),
    PRIMARY KEY (chain_id, contract, kind, certificate_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX anchor_certificate_by_id ON anchor_certificate (certificate_id);
CREATE INDEX anchor_certificate_by_anchor ON anchor_certificate (anchor);

-- Signed transactions, kept before they are sent: what a crash interrupts is sent as it was signed. Of two processes that sign for
-- the same sender and nonce, the key lets one in.
CREATE TABLE anchor_transaction (
    chain_id  INTEGER NOT NULL,
    sender    TEXT NOT NULL,    -- address
    nonce     INTEGER NOT NULL,
    attempt   INTEGER NOT NULL, -- 0, then one more for each replacement at a higher fee
    anchor    INTEGER NOT NULL REFERENCES anchor (seq),
    hash      TEXT NOT NULL,    -- 0x and 64 digits
    raw       BLOB NOT NULL,    -- EIP-2718
    max_fee   INTEGER NOT NULL, -- wei per gas
    tip       INTEGER NOT NULL, -- wei per gas
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (chain_id, sender, nonce, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX anchor_transaction_by_anchor ON anchor_transaction (anchor, nonce, attempt);

-- One anchor is word about very many packages: readers that keep answers make them anew. An empty name means all of them.
CREATE TRIGGER anchor_changes_everything AFTER INSERT ON anchor
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES ('', '', ''); END;
CREATE TRIGGER anchor_update_changes_everything AFTER UPDATE ON anchor
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES ('', '', ''); END;
