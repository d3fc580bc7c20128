-- Which transparency log this store's certificates go into: none, or one for good.
CREATE TABLE ledger (
    origin TEXT PRIMARY KEY,  -- the log's name
    since  INTEGER NOT NULL   -- milliseconds since 1970, UTC
) STRICT, WITHOUT ROWID;

-- Certificates that are sealed and wait for a checkpoint that covers them: no public read answers with one.
CREATE TABLE unannounced (
    id TEXT PRIMARY KEY -- the certificate's
) STRICT, WITHOUT ROWID;

CREATE TRIGGER announcement_changes_package AFTER DELETE ON unannounced
BEGIN
    INSERT INTO package_change (ecosystem, name, version)
    SELECT ecosystem, name, version FROM certificate WHERE id = OLD.id;
END;

CREATE INDEX attestation_by_place ON attestation (log_index);
