-- Signed statements and their place in the transparency log. A statement is kept before it is logged, so that what a crash
-- interrupts is logged as it was signed.
CREATE TABLE attestation (
    subject   TEXT PRIMARY KEY, -- a certificate's id, `decision/` and the decision's place in the log of operators, `status`
    envelope  BLOB NOT NULL,    -- DSSE, JSON
    log_index INTEGER NOT NULL, -- -1 before it is logged
    logged_at INTEGER NOT NULL, -- milliseconds since 1970, UTC
    promise   BLOB NOT NULL     -- the log's signature over time and place
) STRICT, WITHOUT ROWID;

CREATE INDEX attestation_pending ON attestation (subject) WHERE log_index < 0;
