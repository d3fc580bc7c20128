-- A package may be audited again under the same rules, and an escalated one be decided. SQLite cannot drop a constraint, so
-- four tables are written anew; those that refer to others last, and what they replace is dropped at the end.
DROP TRIGGER certificate_changes_package;
DROP TRIGGER admin_event_changes_package;
DROP TRIGGER admin_event_is_not_changed;
DROP TRIGGER admin_event_is_not_deleted;
DROP INDEX certificate_by_time;
DROP INDEX certificate_by_level;
DROP INDEX admin_event_by_certificate;

ALTER TABLE certificate RENAME TO certificate_before;
ALTER TABLE certificate_digest RENAME TO certificate_digest_before;
ALTER TABLE escalation RENAME TO escalation_before;
ALTER TABLE admin_event RENAME TO admin_event_before;

CREATE TABLE certificate (
    id                  TEXT PRIMARY KEY,
    ecosystem           TEXT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT NOT NULL,
    distribution_sha256 TEXT NOT NULL,
    ruleset             TEXT NOT NULL,
    replaces            TEXT NOT NULL,    -- the certificate of the same bytes and rules that a new audit replaced; empty for the first
    level               TEXT NOT NULL,
    certified_at        INTEGER NOT NULL, -- milliseconds since 1970, UTC
    payload_hash        TEXT NOT NULL,
    payload             BLOB NOT NULL,    -- canonical bytes (RFC 8785)
    report              BLOB NOT NULL,    -- canonical bytes of the report; their SHA-256 is in the payload
    round               BLOB NOT NULL,    -- canonical bytes of the ruling with every ballot
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset, replaces)
) STRICT;

INSERT INTO certificate (id, ecosystem, name, version, distribution_sha256, ruleset, replaces, level, certified_at,
    payload_hash, payload, report, round)
SELECT id, ecosystem, name, version, distribution_sha256, ruleset, '', level, certified_at, payload_hash, payload, report,
    round
FROM certificate_before;

CREATE TABLE certificate_digest (
    digest         TEXT NOT NULL,
    certificate_id TEXT NOT NULL REFERENCES certificate (id),
    preferred      INTEGER NOT NULL,
    PRIMARY KEY (digest, certificate_id)
) STRICT, WITHOUT ROWID;

INSERT INTO certificate_digest (digest, certificate_id, preferred)
SELECT digest, certificate_id, preferred FROM certificate_digest_before;

-- Rounds that ended without a certificate, with everything that one is sealed from: an operator decides. Rows that are older than
-- the payload have none; the next audit of the same package fills them in.
CREATE TABLE escalation (
    id                  TEXT PRIMARY KEY, -- `esc_` and 32 characters
    ecosystem           TEXT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT NOT NULL,
    distribution_sha256 TEXT NOT NULL,
    ruleset             TEXT NOT NULL,
    replaces            TEXT NOT NULL,    -- the certificate that a new audit was to replace; empty for the first audit
    escalated_at        INTEGER NOT NULL,
    payload             BLOB NOT NULL,    -- JSON: what would have been sealed; empty in older rows
    report              BLOB NOT NULL,    -- canonical bytes of the report
    round               BLOB NOT NULL,    -- canonical bytes of the ruling with every ballot
    decided_at          INTEGER NOT NULL, -- 0 while it is open
    certificate_id      TEXT NOT NULL,    -- what the decision sealed; empty while it is open
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset, replaces)
) STRICT;

INSERT INTO escalation (id, ecosystem, name, version, distribution_sha256, ruleset, replaces, escalated_at, payload, report,
    round, decided_at, certificate_id)
SELECT 'esc_' || lower(hex(randomblob(16))), ecosystem, name, version, distribution_sha256, ruleset, '', escalated_at, x'',
    report, round, 0, ''
FROM escalation_before;

CREATE INDEX escalation_open ON escalation (escalated_at, id) WHERE decided_at = 0;

-- What operators do. Append-only. Of those whose subject is a certificate, the newest says how it stands, and every earlier one
-- stays. `seq` is counted by the store, so that a copy in another database keeps it.
CREATE TABLE admin_event (
    seq        INTEGER PRIMARY KEY,
    action     TEXT NOT NULL, -- of certificates: `revoke`, `block`, `override`; `reaudit`, `decide`, `retry`, `settle` of others
    subject    TEXT NOT NULL, -- a certificate, package, escalation, job or flag
    level      TEXT NOT NULL, -- the level that was given; empty where none was
    detail     TEXT NOT NULL, -- what else belongs to the action, such as the certificate that a decision sealed
    reason     TEXT NOT NULL,
    operator   TEXT NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;

INSERT INTO admin_event (seq, action, subject, level, detail, reason, operator, decided_at)
SELECT seq, action, certificate_id, level, '', reason, operator, decided_at FROM admin_event_before;

DROP TABLE certificate_digest_before;
DROP TABLE escalation_before;
DROP TABLE admin_event_before;
DROP TABLE certificate_before;

CREATE INDEX certificate_by_time ON certificate (ecosystem, certified_at, id);
CREATE INDEX certificate_by_level ON certificate (ecosystem, level, certified_at, id);
CREATE INDEX admin_event_by_subject ON admin_event (subject, seq);

CREATE TRIGGER admin_event_is_not_changed BEFORE UPDATE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;
CREATE TRIGGER admin_event_is_not_deleted BEFORE DELETE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;

CREATE TRIGGER certificate_changes_package AFTER INSERT ON certificate
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;

CREATE TRIGGER admin_event_changes_package AFTER INSERT ON admin_event
BEGIN
    INSERT INTO package_change (ecosystem, name, version)
    SELECT ecosystem, name, version FROM certificate WHERE id = NEW.subject;
END;

-- What the public says about certificates. Text of strangers: operators read it, nobody publishes it.
CREATE TABLE flag (
    id             TEXT PRIMARY KEY, -- `flg_` and 32 characters, random
    ecosystem      TEXT NOT NULL,
    name           TEXT NOT NULL,
    version        TEXT NOT NULL,
    certificate_id TEXT NOT NULL REFERENCES certificate (id), -- what answered for the package then
    category       TEXT NOT NULL,
    text           TEXT NOT NULL,    -- printable
    contact        TEXT NOT NULL,    -- printable; empty where none was given
    created_at     INTEGER NOT NULL,
    state          TEXT NOT NULL,    -- `open`, `upheld` or `dismissed`
    settled_at     INTEGER NOT NULL  -- 0 while it is open
) STRICT;

CREATE INDEX flag_open ON flag (ecosystem, name, version) WHERE state = 'open';
CREATE INDEX flag_by_time ON flag (created_at, id);

CREATE TRIGGER flag_changes_package AFTER INSERT ON flag
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;
CREATE TRIGGER flag_update_changes_package AFTER UPDATE ON flag
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;
