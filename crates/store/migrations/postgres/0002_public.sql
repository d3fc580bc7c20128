-- What operators decided about certificates. Append-only: the newest row of a certificate says how it stands, and every
-- earlier one stays. `seq` is counted by the store, so that a copy in another database keeps it.
CREATE TABLE admin_event (
    seq            BIGINT PRIMARY KEY,
    certificate_id TEXT COLLATE "C" NOT NULL REFERENCES certificate (id),
    action         TEXT COLLATE "C" NOT NULL, -- `revoke`, `block` or `override`
    level          TEXT COLLATE "C" NOT NULL, -- the level of an override; empty otherwise
    reason         TEXT COLLATE "C" NOT NULL,
    operator       TEXT COLLATE "C" NOT NULL,
    decided_at     BIGINT NOT NULL
);

CREATE INDEX admin_event_by_certificate ON admin_event (certificate_id, seq);

CREATE FUNCTION admin_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'admin_event is append-only'; END $$;
CREATE TRIGGER admin_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_event
FOR EACH STATEMENT EXECUTE FUNCTION admin_event_stays();

-- Advisories that were asked for after certification, where the certificate has no snapshot: the last answer.
CREATE TABLE advisory (
    ecosystem  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    queried_at BIGINT NOT NULL,
    snapshot   BYTEA NOT NULL, -- JSON
    PRIMARY KEY (ecosystem, name, version)
);

-- What submissions took from the store and what they added to it: one row for a certificate in a submission, so that
-- nothing is booked twice. A submission that audited a package itself saves nothing when it is submitted again.
CREATE TABLE booking (
    submission     TEXT COLLATE "C" NOT NULL,
    certificate_id TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL, -- `reused` or `audited`
    usd            BIGINT NOT NULL,           -- saved or due, whole USD
    booked_at      BIGINT NOT NULL,
    PRIMARY KEY (submission, certificate_id)
);

-- The most used packages of an ecosystem, where the shipped list was replaced by a newer one.
CREATE TABLE popular_list (
    ecosystem TEXT COLLATE "C" PRIMARY KEY,
    source    TEXT COLLATE "C" NOT NULL,
    taken_on  TEXT COLLATE "C" NOT NULL,
    names     TEXT COLLATE "C" NOT NULL -- one a line, the most used first
);

-- Which package's answer changed, told to whoever listens when the transaction commits. By triggers, so that no writer can
-- forget it. A payload is at most 8000 bytes; a package's name and version are at most 470.
CREATE FUNCTION package_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sigma_package', NEW.ecosystem || ':' || NEW.name || '@' || NEW.version);
    RETURN NULL;
END $$;
CREATE FUNCTION admin_event_changes_package() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sigma_package', ecosystem || ':' || name || '@' || version)
    FROM certificate WHERE id = NEW.certificate_id;
    RETURN NULL;
END $$;
CREATE TRIGGER certificate_changes_package AFTER INSERT ON certificate
FOR EACH ROW EXECUTE FUNCTION package_changes();
CREATE TRIGGER admin_event_changes_package AFTER INSERT ON admin_event
FOR EACH ROW EXECUTE FUNCTION admin_event_changes_package();
CREATE TRIGGER advisory_changes_package AFTER INSERT OR UPDATE ON advisory
FOR EACH ROW EXECUTE FUNCTION package_changes();

-- Lists, newest first, and those of a level.
CREATE INDEX certificate_by_time ON certificate (ecosystem, certified_at, id);
CREATE INDEX certificate_by_level ON certificate (ecosystem, level, certified_at, id);
