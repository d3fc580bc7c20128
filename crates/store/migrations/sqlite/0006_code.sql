-- Certificates of submissions, as their canonical bytes; the columns beside them only serve look-ups.
CREATE TABLE submission_certificate (
    id           TEXT PRIMARY KEY,
    submission   TEXT NOT NULL, -- what was certified; `local/...` where it was sealed on a command line
    category     TEXT NOT NULL,
    repository   TEXT NOT NULL,
    folder       TEXT NOT NULL,
    entry        TEXT NOT NULL, -- empty where there is no code
    words        TEXT NOT NULL, -- lower case: what a search looks through
    level        TEXT NOT NULL,
    certified_at INTEGER NOT NULL,
    payload_hash TEXT NOT NULL,
    payload      BLOB NOT NULL, -- canonical bytes (RFC 8785)
    dossier      BLOB NOT NULL, -- canonical bytes of all that the council saw
    round        BLOB NOT NULL  -- canonical bytes of the ruling with every ballot
) STRICT;

CREATE UNIQUE INDEX submission_certificate_by_submission ON submission_certificate (submission);
CREATE INDEX submission_certificate_by_time ON submission_certificate (certified_at, id);
CREATE INDEX submission_certificate_by_source ON submission_certificate (repository, folder, entry, certified_at);

-- Rounds over submissions that ended without a certificate: an operator decides.
CREATE TABLE submission_escalation (
    submission   TEXT PRIMARY KEY,
    escalated_at INTEGER NOT NULL,
    dossier      BLOB NOT NULL, -- canonical bytes
    round        BLOB NOT NULL  -- canonical bytes
) STRICT;

-- Files under review, by the SHA-256 of the document that holds them: what was fetched once is what is reviewed.
CREATE TABLE source_tree (
    sha256   TEXT PRIMARY KEY,
    files    BLOB NOT NULL, -- JSON
    added_at INTEGER NOT NULL
) STRICT;

-- What models of the council were asked and what they answered, by the digest of the question that stands on their ballot: with it
-- a round can be repeated. Kept before the round is.
CREATE TABLE transcript (
    prompt_sha256 TEXT NOT NULL,
    validator     TEXT NOT NULL,
    asked_at      INTEGER NOT NULL,
    request       BLOB NOT NULL,
    answer        BLOB NOT NULL, -- empty where nothing came back
    PRIMARY KEY (prompt_sha256, validator, asked_at)
) STRICT, WITHOUT ROWID;
