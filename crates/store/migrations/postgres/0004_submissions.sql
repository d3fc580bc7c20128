-- Tokens of the developer plane. The secret itself is nowhere, only its hash.
CREATE TABLE token (
    prefix       TEXT COLLATE "C" PRIMARY KEY, -- `sgm_` and eight characters: what people name it by
    sha256       TEXT COLLATE "C" NOT NULL,    -- of the whole token
    scopes       TEXT COLLATE "C" NOT NULL,    -- words, separated by spaces
    owner        TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL, -- milliseconds since 1970, UTC
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL, -- 0 while it is not
    last_used_at BIGINT NOT NULL  -- to the minute; 0 before the first time
);

-- Projects that somebody may submit. They are not changed: a changed project is another draft.
CREATE TABLE draft (
    id         TEXT COLLATE "C" PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    project    BYTEA NOT NULL, -- JSON: manifests, target and options
    created_at BIGINT NOT NULL
);

CREATE INDEX draft_by_owner ON draft (owner, created_at, id);

-- Submissions. The id follows from owner and idempotency key.
CREATE TABLE submission (
    id         TEXT COLLATE "C" PRIMARY KEY,
    owner      TEXT COLLATE "C" NOT NULL,
    draft      TEXT COLLATE "C" NOT NULL,
    job        TEXT COLLATE "C" NOT NULL,    -- the job that takes it from step to step
    state      TEXT COLLATE "C" NOT NULL,    -- `queued`, `auditing`, `cleared`, `stopped`, `held` or `failed`
    project    BYTEA NOT NULL,    -- JSON, as in the draft
    plan       BYTEA NOT NULL,    -- JSON: the resolved graph and what is done about each package; empty before
    result     BYTEA NOT NULL,    -- JSON: the decision and every package's row; empty before the end
    events     BIGINT NOT NULL, -- how many events there are
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX submission_by_job ON submission (job);
CREATE INDEX submission_by_owner ON submission (owner, created_at, id);

-- What happened to a submission, counted from 1 without gaps. Append-only.
CREATE TABLE submission_event (
    submission TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    data       BYTEA NOT NULL, -- JSON
    at         BIGINT NOT NULL,
    PRIMARY KEY (submission, seq)
);
