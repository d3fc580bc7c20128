-- Certificates are stored as their canonical bytes; the columns beside them only serve look-ups.
CREATE TABLE certificate (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    ecosystem           TEXT COLLATE "C" NOT NULL,
    name                TEXT COLLATE "C" NOT NULL,
    version             TEXT COLLATE "C" NOT NULL,
    distribution_sha256 TEXT COLLATE "C" NOT NULL,
    ruleset             TEXT COLLATE "C" NOT NULL,
    level               TEXT COLLATE "C" NOT NULL,
    certified_at        BIGINT NOT NULL, -- milliseconds since 1970, UTC
    payload_hash        TEXT COLLATE "C" NOT NULL,
    payload             BYTEA NOT NULL,   -- canonical bytes (RFC 8785)
    report              BYTEA NOT NULL,   -- canonical bytes of the report; their SHA-256 is in the payload
    round               BYTEA NOT NULL,   -- canonical bytes of the ruling with every ballot
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset)
);

-- Digests of every distribution that a certificate covers, as `sha256:<hex>`; `preferred` marks the installer's choice.
CREATE TABLE certificate_digest (
    digest         TEXT COLLATE "C" NOT NULL,
    certificate_id TEXT COLLATE "C" NOT NULL REFERENCES certificate (id),
    preferred      BIGINT NOT NULL,
    PRIMARY KEY (digest, certificate_id)
);

-- Rounds that ended without a certificate: an operator decides.
CREATE TABLE escalation (
    ecosystem           TEXT COLLATE "C" NOT NULL,
    name                TEXT COLLATE "C" NOT NULL,
    version             TEXT COLLATE "C" NOT NULL,
    distribution_sha256 TEXT COLLATE "C" NOT NULL,
    ruleset             TEXT COLLATE "C" NOT NULL,
    escalated_at        BIGINT NOT NULL,
    report              BYTEA NOT NULL,
    round               BYTEA NOT NULL,
    PRIMARY KEY (ecosystem, name, version, distribution_sha256, ruleset)
);

-- Bytes that were not the published or pinned ones. Never deleted: a later success does not undo what was seen.
CREATE TABLE incident (
    ecosystem TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    version   TEXT COLLATE "C" NOT NULL,
    filename  TEXT COLLATE "C" NOT NULL,
    expected  TEXT COLLATE "C" NOT NULL,
    got       TEXT COLLATE "C" NOT NULL,
    authority TEXT COLLATE "C" NOT NULL, -- `ecosystem` or `project`: who said what to expect
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, version, filename, expected, got)
);

-- Graphs that were resolved, by a digest over everything that decides the answer except time.
CREATE TABLE resolution (
    key         TEXT COLLATE "C" PRIMARY KEY,
    resolved_at BIGINT NOT NULL,
    graph       BYTEA NOT NULL
);

-- Distributions whose bytes are in the blob folder. Inserted after the bytes are durable.
CREATE TABLE blob (
    sha256 TEXT COLLATE "C" PRIMARY KEY,
    sha512 TEXT COLLATE "C" NOT NULL,
    sha1   TEXT COLLATE "C" NOT NULL,
    size   BIGINT NOT NULL
);

CREATE INDEX blob_by_sha512 ON blob (sha512);
