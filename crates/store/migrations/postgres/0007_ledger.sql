-- Signed statements and their place in the transparency log. A statement is kept before it is logged, so that what a crash
-- interrupts is logged as it was signed.
CREATE TABLE attestation (
    subject   TEXT COLLATE "C" PRIMARY KEY, -- a certificate's id, `decision/` and the decision's place in the log of operators, `status`
    envelope  BYTEA NOT NULL,  -- DSSE, JSON
    log_index BIGINT NOT NULL, -- -1 before it is logged
    logged_at BIGINT NOT NULL, -- milliseconds since 1970, UTC
    promise   BYTEA NOT NULL   -- the log's signature over time and place
);

CREATE INDEX attestation_pending ON attestation (subject) WHERE log_index < 0;
