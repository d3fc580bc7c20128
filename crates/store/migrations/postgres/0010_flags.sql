-- Flags of either kind of certificate: of a package (`pkg_`), whose exact version it then names, or of a submission (`sig_`), where
-- ecosystem, name and version are empty. What is flagged is no longer of one table, so the reference is checked by who writes it.
ALTER TABLE flag DROP CONSTRAINT flag_certificate_id_fkey;

CREATE INDEX flag_open_of_certificate ON flag (certificate_id) WHERE state = 'open';

DROP TRIGGER flag_changes_package ON flag;
CREATE TRIGGER flag_changes_package AFTER INSERT OR UPDATE ON flag
FOR EACH ROW WHEN (NEW.ecosystem <> '') EXECUTE FUNCTION package_changes();
