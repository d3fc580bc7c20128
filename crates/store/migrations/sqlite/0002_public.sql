-- What operators decided about certificates. Append-only: the newest row of a certificate says how it stands, and every
-- earlier one stays. `seq` is counted by the store, so that a copy in another database keeps it.
CREATE TABLE admin_event (
    seq            INTEGER PRIMARY KEY,
    certificate_id TEXT NOT NULL REFERENCES certificate (id),
    action         TEXT NOT NULL, -- `revoke`, `block` or `override`
    level          TEXT NOT NULL, -- the level of an override; empty otherwise
    reason         TEXT NOT NULL,
    operator       TEXT NOT NULL,
    decided_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX admin_event_by_certificate ON admin_event (certificate_id, seq);

CREATE TRIGGER admin_event_is_not_changed BEFORE UPDATE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;
CREATE TRIGGER admin_event_is_not_deleted BEFORE DELETE ON admin_event
BEGIN SELECT RAISE(ABORT, 'admin_event is append-only'); END;

-- Advisories that were asked for after certification, where the certificate has no snapshot: the last answer.
CREATE TABLE advisory (
    ecosystem  TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    queried_at INTEGER NOT NULL,
    snapshot   BLOB NOT NULL, -- JSON
    PRIMARY KEY (ecosystem, name, version)
) STRICT, WITHOUT ROWID;

-- What submissions took from the store and what they added to it: one row for a certificate in a submission, so that
-- nothing is booked twice. A submission that audited a package itself saves nothing when it is submitted again.
CREATE TABLE booking (
    submission     TEXT NOT NULL,
    certificate_id TEXT NOT NULL,
    kind           TEXT NOT NULL,    -- `reused` or `audited`
    usd            INTEGER NOT NULL, -- saved or due, whole USD
    booked_at      INTEGER NOT NULL,
    PRIMARY KEY (submission, certificate_id)
) STRICT, WITHOUT ROWID;

-- The most used packages of an ecosystem, where the shipped list was replaced by a newer one.
CREATE TABLE popular_list (
    ecosystem TEXT PRIMARY KEY,
    source    TEXT NOT NULL,
    taken_on  TEXT NOT NULL,
    names     TEXT NOT NULL -- one a line, the most used first
) STRICT, WITHOUT ROWID;

-- Which packages' answers changed, the last ten thousand times: readers that keep answers look here. Written by triggers,
-- so that no writer can forget it.
CREATE TABLE package_change (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL
) STRICT;

CREATE TRIGGER package_change_is_bounded AFTER INSERT ON package_change
BEGIN DELETE FROM package_change WHERE seq <= NEW.seq - 10000; END;

CREATE TRIGGER certificate_changes_package AFTER INSERT ON certificate
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;

CREATE TRIGGER admin_event_changes_package AFTER INSERT ON admin_event
BEGIN
    INSERT INTO package_change (ecosystem, name, version)
    SELECT ecosystem, name, version FROM certificate WHERE id = NEW.certificate_id;
END;

CREATE TRIGGER advisory_changes_package AFTER INSERT ON advisory
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;
CREATE TRIGGER advisory_update_changes_package AFTER UPDATE ON advisory
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;

-- Lists, newest first, and those of a level.
CREATE INDEX certificate_by_time ON certificate (ecosystem, certified_at, id);
CREATE INDEX certificate_by_level ON certificate (ecosystem, level, certified_at, id);
