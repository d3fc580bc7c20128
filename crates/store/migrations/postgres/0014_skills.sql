-- The feed of skills reads those alone, however much else is certified.
CREATE INDEX submission_certificate_skills ON submission_certificate (certified_at, id) WHERE category LIKE 'SKILL%';
