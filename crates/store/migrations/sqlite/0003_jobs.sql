-- Work to be done. A job is pending, leased to a worker, done, or dead: given up, and waiting for an operator. Its id follows
-- from its idempotency key, so that two who ask for the same work ask for one job.
CREATE TABLE job (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    class        TEXT NOT NULL,    -- what concurrency limits count: an ecosystem, or `submission`
    key          TEXT NOT NULL,    -- the idempotency key
    priority     INTEGER NOT NULL, -- higher goes first
    payload      BLOB NOT NULL,    -- JSON
    outcome      BLOB NOT NULL,    -- JSON of the last run that was done; empty before
    state        TEXT NOT NULL,    -- `pending`, `leased`, `done` or `dead`
    attempts     INTEGER NOT NULL, -- runs that began and were not given back
    max_attempts INTEGER NOT NULL,
    due_at       INTEGER NOT NULL, -- pending: when it may run; leased: when the lease ends; milliseconds since 1970, UTC
    lease        INTEGER NOT NULL, -- grows with every claim: whoever acknowledges with a lower number comes too late
    lease_owner  TEXT NOT NULL,    -- the worker; empty when nobody has it
    last_error   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX job_open ON job (class, priority DESC, due_at, id) WHERE state IN ('pending', 'leased');
CREATE INDEX job_leased ON job (class, due_at) WHERE state = 'leased';
CREATE INDEX job_settled ON job (state, updated_at, id) WHERE state IN ('done', 'dead');

-- Which job waits for which. A row goes when the awaited job is done or dead, in the same transaction.
CREATE TABLE job_wait (
    waiter  TEXT NOT NULL,
    awaited TEXT NOT NULL,
    PRIMARY KEY (waiter, awaited)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_wait_by_awaited ON job_wait (awaited, waiter);

-- Dead jobs that an operator ran again. Append-only.
CREATE TABLE job_retry (
    job      TEXT NOT NULL,
    lease    INTEGER NOT NULL, -- the lease it died with
    operator TEXT NOT NULL,
    reason   TEXT NOT NULL,
    error    TEXT NOT NULL,    -- what it had died of
    at       INTEGER NOT NULL,
    PRIMARY KEY (job, lease)
) STRICT, WITHOUT ROWID;
