-- Flags of either kind of certificate: of a package (`pkg_`), whose exact version it then names, or of a submission (`sig_`). What is
-- flagged is no longer of one table, so the reference is checked by who writes it.
CREATE TABLE flag_of_any (
    id             TEXT PRIMARY KEY, -- `flg_` and 32 characters, random
    ecosystem      TEXT NOT NULL,    -- empty where a submission is flagged, as are name and version
    name           TEXT NOT NULL,
    version        TEXT NOT NULL,
    certificate_id TEXT NOT NULL,    -- what answered then
    category       TEXT NOT NULL,
    text           TEXT NOT NULL,    -- printable
    contact        TEXT NOT NULL,    -- printable; empty where none was given
    created_at     INTEGER NOT NULL,
    state          TEXT NOT NULL,    -- `open`, `upheld` or `dismissed`
    settled_at     INTEGER NOT NULL  -- 0 while it is open
) STRICT;

INSERT INTO flag_of_any (id, ecosystem, name, version, certificate_id, category, text, contact, created_at, state, settled_at)
SELECT id, ecosystem, name, version, certificate_id, category, text, contact, created_at, state, settled_at FROM flag;
DROP TABLE flag;
ALTER TABLE flag_of_any RENAME TO flag;

CREATE INDEX flag_open ON flag (ecosystem, name, version) WHERE state = 'open';
CREATE INDEX flag_open_of_certificate ON flag (certificate_id) WHERE state = 'open';
CREATE INDEX flag_by_time ON flag (created_at, id);

CREATE TRIGGER flag_changes_package AFTER INSERT ON flag WHEN NEW.ecosystem <> ''
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;
CREATE TRIGGER flag_update_changes_package AFTER UPDATE ON flag WHEN NEW.ecosystem <> ''
BEGIN INSERT INTO package_change (ecosystem, name, version) VALUES (NEW.ecosystem, NEW.name, NEW.version); END;
