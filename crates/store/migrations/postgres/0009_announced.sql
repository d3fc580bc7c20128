-- Which transparency log this store's certificates go into: none, or one for good.
CREATE TABLE ledger (
    origin TEXT COLLATE "C" PRIMARY KEY, -- the log's name
    since  BIGINT NOT NULL               -- milliseconds since 1970, UTC
);

-- Certificates that are sealed and wait for a checkpoint that covers them: no public read answers with one.
CREATE TABLE unannounced (
    id TEXT COLLATE "C" PRIMARY KEY -- the certificate's
);

CREATE FUNCTION announcement_changes_package() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('sigma_package', ecosystem || ':' || name || '@' || version) FROM certificate WHERE id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER announcement_changes_package AFTER DELETE ON unannounced
FOR EACH ROW EXECUTE FUNCTION announcement_changes_package();

CREATE INDEX attestation_by_place ON attestation (log_index);
