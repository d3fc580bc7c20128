-- A package may be audited again under the same rules: the key of a certificate tells which one a new audit replaced.
ALTER TABLE certificate ADD COLUMN replaces TEXT COLLATE "C" NOT NULL DEFAULT ''; -- empty for the first audit
ALTER TABLE certificate ALTER COLUMN replaces DROP DEFAULT;
ALTER TABLE certificate DROP CONSTRAINT certificate_ecosystem_name_version_distribution_sha256_rule_key;
ALTER TABLE certificate ADD CONSTRAINT certificate_key
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset, replaces);

-- Rounds that ended without a certificate, with everything that one is sealed from: an operator decides. Rows that are older than
-- the payload have none; the next audit of the same package fills them in.
ALTER TABLE escalation DROP CONSTRAINT escalation_pkey;
ALTER TABLE escalation ADD COLUMN id TEXT COLLATE "C";                          -- `esc_` and 32 characters
ALTER TABLE escalation ADD COLUMN replaces TEXT COLLATE "C" NOT NULL DEFAULT ''; -- empty for the first audit
ALTER TABLE escalation ADD COLUMN payload BYTEA NOT NULL DEFAULT '';             -- JSON; empty in older rows
ALTER TABLE escalation ADD COLUMN decided_at BIGINT NOT NULL DEFAULT 0;          -- 0 while it is open
ALTER TABLE escalation ADD COLUMN certificate_id TEXT COLLATE "C" NOT NULL DEFAULT ''; -- what the decision sealed
UPDATE escalation SET id = 'esc_' || replace(CAST(gen_random_uuid() AS TEXT), '-', '');
ALTER TABLE escalation ADD PRIMARY KEY (id);
ALTER TABLE escalation ADD CONSTRAINT escalation_key
    UNIQUE (ecosystem, name, version, distribution_sha256, ruleset, replaces);
CREATE INDEX escalation_open ON escalation (escalated_at, id) WHERE decided_at = 0;

-- What operators do. Append-only. Of those whose subject is a certificate, the newest says how it stands, and every earlier one
-- stays. Actions are `revoke`, `block` and `override` of certificates, and `reaudit`, `decide`, `retry` and `settle` of others.
ALTER TABLE admin_event DROP CONSTRAINT admin_event_certificate_id_fkey;
ALTER TABLE admin_event RENAME COLUMN certificate_id TO subject; -- a certificate, package, escalation, job or flag
ALTER TABLE admin_event ADD COLUMN detail TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE admin_event ALTER COLUMN detail DROP DEFAULT;
ALTER INDEX admin_event_by_certificate RENAME TO admin_event_by_subject;

CREATE OR REPLACE FUNCTION admin_event_changes_package() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sigma_package', ecosystem || ':' || name || '@' || version)
    FROM certificate WHERE id = NEW.subject;
    RETURN NULL;
END $$;

-- What the public says about certificates. Text of strangers: operators read it, nobody publishes it.
CREATE TABLE flag (
    id             TEXT COLLATE "C" PRIMARY KEY, -- `flg_` and 32 characters, random
    ecosystem      TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    version        TEXT COLLATE "C" NOT NULL,
    certificate_id TEXT COLLATE "C" NOT NULL REFERENCES certificate (id), -- what answered for the package then
    category       TEXT COLLATE "C" NOT NULL,
    text           TEXT COLLATE "C" NOT NULL, -- printable
    contact        TEXT COLLATE "C" NOT NULL, -- printable; empty where none was given
    created_at     BIGINT NOT NULL,
    state          TEXT COLLATE "C" NOT NULL, -- `open`, `upheld` or `dismissed`
    settled_at     BIGINT NOT NULL            -- 0 while it is open
);

CREATE INDEX flag_open ON flag (ecosystem, name, version) WHERE state = 'open';
CREATE INDEX flag_by_time ON flag (created_at, id);
CREATE TRIGGER flag_changes_package AFTER INSERT OR UPDATE ON flag
FOR EACH ROW EXECUTE FUNCTION package_changes();
