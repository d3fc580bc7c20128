-- Work to be done. A job is pending, leased to a worker, done, or dead: given up, and waiting for an operator. Its id follows
-- from its idempotency key, so that two who ask for the same work ask for one job.
CREATE TABLE job (
    id           TEXT COLLATE "C" PRIMARY KEY,
    kind         TEXT COLLATE "C" NOT NULL,
    class        TEXT COLLATE "C" NOT NULL,    -- what concurrency limits count: an ecosystem, or `submission`
    key          TEXT COLLATE "C" NOT NULL,    -- the idempotency key
    priority     BIGINT NOT NULL, -- higher goes first
    payload      BYTEA NOT NULL,    -- JSON
    outcome      BYTEA NOT NULL,    -- JSON of the last run that was done; empty before
    state        TEXT COLLATE "C" NOT NULL,    -- `pending`, `leased`, `done` or `dead`
    attempts     BIGINT NOT NULL, -- runs that began and were not given back
    max_attempts BIGINT NOT NULL,
    due_at       BIGINT NOT NULL, -- pending: when it may run; leased: when the lease ends; milliseconds since 1970, UTC
    lease        BIGINT NOT NULL, -- grows with every claim: whoever acknowledges with a lower number comes too late
    lease_owner  TEXT COLLATE "C" NOT NULL,    -- the worker; empty when nobody has it
    last_error   TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

CREATE INDEX job_open ON job (class, priority DESC, due_at, id) WHERE state IN ('pending', 'leased');
CREATE INDEX job_leased ON job (class, due_at) WHERE state = 'leased';
CREATE INDEX job_settled ON job (state, updated_at, id) WHERE state IN ('done', 'dead');

-- Which job waits for which. A row goes when the awaited job is done or dead, in the same transaction.
CREATE TABLE job_wait (
    waiter  TEXT COLLATE "C" NOT NULL,
    awaited TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (waiter, awaited)
);

CREATE INDEX job_wait_by_awaited ON job_wait (awaited, waiter);

-- Dead jobs that an operator ran again. Append-only.
CREATE TABLE job_retry (
    job      TEXT COLLATE "C" NOT NULL,
    lease    BIGINT NOT NULL, -- the lease it died with
    operator TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    error    TEXT COLLATE "C" NOT NULL,    -- what it had died of
    at       BIGINT NOT NULL,
    PRIMARY KEY (job, lease)
);
