-- Tokens of the developer plane. The secret itself is nowhere, only its hash.
CREATE TABLE token (
    prefix       TEXT PRIMARY KEY, -- `sgm_` and eight characters: what people name it by
    sha256       TEXT NOT NULL,    -- of the whole token
    scopes       TEXT NOT NULL,    -- words, separated by spaces
    owner        TEXT NOT NULL,
    created_at   INTEGER NOT NULL, -- milliseconds since 1970, UTC
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER NOT NULL, -- 0 while it is not
    last_used_at INTEGER NOT NULL  -- to the minute; 0 before the first time
) STRICT, WITHOUT ROWID;

-- Projects that somebody may submit. They are not changed: a changed project is another draft.
CREATE TABLE draft (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    project    BLOB NOT NULL, -- JSON: manifests, target and options
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX draft_by_owner ON draft (owner, created_at, id);

-- Submissions. The id follows from owner and idempotency key.
CREATE TABLE submission (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    draft      TEXT NOT NULL,
    job        TEXT NOT NULL,    -- the job that takes it from step to step
    state      TEXT NOT NULL,    -- `queued`, `auditing`, `cleared`, `stopped`, `held` or `failed`
    project    BLOB NOT NULL,    -- JSON, as in the draft
    plan       BLOB NOT NULL,    -- JSON: the resolved graph and what is done about each package; empty before
    result     BLOB NOT NULL,    -- JSON: the decision and every package's row; empty before the end
    events     INTEGER NOT NULL, -- how many events there are
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX submission_by_job ON submission (job);
CREATE INDEX submission_by_owner ON submission (owner, created_at, id);

-- What happened to a submission, counted from 1 without gaps. Append-only.
CREATE TABLE submission_event (
    submission TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    data       BLOB NOT NULL, -- JSON
    at         INTEGER NOT NULL,
    PRIMARY KEY (submission, seq)
) STRICT, WITHOUT ROWID;
