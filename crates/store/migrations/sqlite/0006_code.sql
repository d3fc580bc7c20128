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

-- Operators decide about certificates of both kinds: the reference to one table goes, everything else stays.
CREATE TABLE admin_event_of_all (
    seq            INTEGER PRIMARY KEY,
    certificate_id TEXT NOT NULL,
    action         TEXT NOT NULL,
    level          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    operator       TEXT NOT NULL,
    decided_at     INTEGER NOT NULL
) STRICT;
INSERT INTO admin_event_of_all SELECT seq, certificate_id, action, level, reason, operator, decided_at FROM admin_event;
DROP TABLE admin_event;
ALTER TABLE admin_event_of_all RENAME TO admin_event;
CREATE INDEX admin_event_by_certificate ON admin_event (certificate_id, seq);
CREATE TRIGGER admin_event_is_not_changed BEFORE UPDATE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;
CREATE TRIGGER admin_event_is_not_deleted BEFORE DELETE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;
CREATE TRIGGER admin_event_changes_package AFTER INSERT ON admin_event
BEGIN
    INSERT INTO package_change (ecosystem, name, version)
    SELECT ecosystem, name, version FROM certificate WHERE id = NEW.certificate_id;
END;
