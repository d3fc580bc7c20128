-- Certificates are stored as their canonical bytes; the columns beside them only serve look-ups.
CREATE TABLE certificate (
    id                  TEXT PRIMARY KEY,
    ecosystem           TEXT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT NOT NULL,
    distribution_sha256 TEXT NOT NULL,
    ruleset             TEXT NOT NULL,
    level               TEXT NOT NULL,
    certified_at        INTEGER NOT NULL, -- milliseconds since 1970, UTC
    payload_hash        TEXT NOT NULL,
    payload             BLOB NOT NULL,    -- canonical bytes (RFC 8785)
    report              BLOB NOT NULL,    -- canonical bytes of the report; their SHA-256 is in the payload
    round               BLOB NOT NULL,    -- canonical bytes of the ruling with every ballot
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset)
) STRICT;

-- Digests of every distribution that a certificate covers, as `sha256:<hex>`; `preferred` marks the installer's choice.
CREATE TABLE certificate_digest (
    digest         TEXT NOT NULL,
    certificate_id TEXT NOT NULL REFERENCES certificate (id),
    preferred      INTEGER NOT NULL,
    PRIMARY KEY (digest, certificate_id)
) STRICT, WITHOUT ROWID;

-- Rounds that ended without a certificate: an operator decides.
CREATE TABLE escalation (
    ecosystem           TEXT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT NOT NULL,
    distribution_sha256 TEXT NOT NULL,
    ruleset             TEXT NOT NULL,
    escalated_at        INTEGER NOT NULL,
    report              BLOB NOT NULL,
    round               BLOB NOT NULL,
    PRIMARY KEY (ecosystem, name, version, distribution_sha256, ruleset)
) STRICT, WITHOUT ROWID;

-- Bytes that were not the published or pinned ones. Never deleted: a later success does not undo what was seen.
CREATE TABLE incident (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    filename  TEXT NOT NULL,
    expected  TEXT NOT NULL,
    got       TEXT NOT NULL,
    authority TEXT NOT NULL, -- `ecosystem` or `project`: who said what to expect
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, name, version, filename, expected, got)
) STRICT, WITHOUT ROWID;

-- Graphs that were resolved, by a digest over everything that decides the answer except time.
CREATE TABLE resolution (
    key         TEXT PRIMARY KEY,
    resolved_at INTEGER NOT NULL,
    graph       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Distributions whose bytes are in the blob folder. Inserted after the bytes are durable.
CREATE TABLE blob (
    sha256 TEXT PRIMARY KEY,
    sha512 TEXT NOT NULL,
    sha1   TEXT NOT NULL,
    size   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_by_sha512 ON blob (sha512);
