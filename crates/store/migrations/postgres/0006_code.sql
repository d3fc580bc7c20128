-- Certificates of submissions, as their canonical bytes; the columns beside them only serve look-ups.
CREATE TABLE submission_certificate (
    id           TEXT COLLATE "C" PRIMARY KEY,
    submission   TEXT COLLATE "C" NOT NULL, -- what was certified; `local/...` where it was sealed on a command line
    category     TEXT COLLATE "C" NOT NULL,
    repository   TEXT COLLATE "C" NOT NULL,
    folder       TEXT COLLATE "C" NOT NULL,
    entry        TEXT COLLATE "C" NOT NULL, -- empty where there is no code
    words        TEXT COLLATE "C" NOT NULL, -- lower case: what a search looks through
    level        TEXT COLLATE "C" NOT NULL,
    certified_at BIGINT NOT NULL,
    payload_hash TEXT COLLATE "C" NOT NULL,
    payload      BYTEA NOT NULL, -- canonical bytes (RFC 8785)
    dossier      BYTEA NOT NULL, -- canonical bytes of all that the council saw
    round        BYTEA NOT NULL  -- canonical bytes of the ruling with every ballot
);

CREATE UNIQUE INDEX submission_certificate_by_submission ON submission_certificate (submission);
CREATE INDEX submission_certificate_by_time ON submission_certificate (certified_at, id);
CREATE INDEX submission_certificate_by_source ON submission_certificate (repository, folder, entry, certified_at);

-- Rounds over submissions that ended without a certificate: an operator decides.
CREATE TABLE submission_escalation (
    submission   TEXT COLLATE "C" PRIMARY KEY,
    escalated_at BIGINT NOT NULL,
    dossier      BYTEA NOT NULL, -- canonical bytes
    round        BYTEA NOT NULL  -- canonical bytes
);

-- Files under review, by the SHA-256 of the document that holds them: what was fetched once is what is reviewed.
CREATE TABLE source_tree (
    sha256   TEXT COLLATE "C" PRIMARY KEY,
    files    BYTEA NOT NULL, -- JSON
    added_at BIGINT NOT NULL
);

-- What models of the council were asked and what they answered, by the digest of the question that stands on their ballot: with it
-- a round can be repeated. Kept before the round is.
CREATE TABLE transcript (
    prompt_sha256 TEXT COLLATE "C" NOT NULL,
    validator     TEXT COLLATE "C" NOT NULL,
    asked_at      BIGINT NOT NULL,
    request       BYTEA NOT NULL,
    answer        BYTEA NOT NULL, -- empty where nothing came back
    PRIMARY KEY (prompt_sha256, validator, asked_at)
);
