//! Connections of PostgreSQL that hold advisory locks, kept between two claims.
//!
//! In: nothing but the database. Out: a connection of which nobody else knows, and its way back once it holds no lock. Opening one costs
//! a few milliseconds and a process of the server, more than all else that a claim costs. A connection that still holds a lock never comes
//! back: whatever is not certainly free of locks is closed, and the server ends what it held.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Connection as _};

use crate::StoreError;
use crate::database::Connections;

/// Connections that are kept: as many as a worker has jobs by default. What is needed beyond them is opened, and closed afterwards.
const KEPT: usize = 8;
/// How long one is kept that nobody needs.
const REST: Duration = Duration::from_secs(60);
/// How long after its use one is taken without asking whether the server is there still.
const SURE: Duration = Duration::from_secs(1);
/// A machine that is gone says nothing: the server asks after ten seconds of silence, and gives it up after three answers that do not
/// come. Its own default is two hours. Nothing happens on a connection of the machine itself, which ends with the process.
const KEEPALIVE: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;";

/// The connections that wait, the one that was used last at the end.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Vec<(AnyConnection, Instant)>>>);

impl Waiting {
    /// One that was used before, if there is one. The server may have closed it meanwhile.
    fn take(&self) -> Option<(AnyConnection, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: AnyConnection) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|(_, since)| since.elapsed() < REST);
        if waiting.len() < KEPT {
            waiting.push((connection, Instant::now()));
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Connections {
    /// Locks by a statement that takes the lock's number and answers with a number: on a connection that waited, or, where there is none
    /// or the server has closed it, on a new one.
    pub(crate) async fn lock(&self, statement: &'static str, number: i64) -> Result<(AnyConnection, i32), StoreError> {
        if let Some((mut connection, since)) = self.waiting.take()
            && (since.elapsed() < SURE || is_there(&mut connection).await)
            && let Ok(answer) = ask(&mut connection, statement, number).await
        {
            return Ok((connection, answer));
        }
        let mut connection = self.separate().await?;
        sqlx::raw_sql(KEEPALIVE).execute(&mut connection).await?;
        let answer = ask(&mut connection, statement, number).await?;
        Ok((connection, answer))
    }

    /// Takes a connection back that holds no lock.
    pub(crate) fn unlocked(&self, connection: AnyConnection) {
        self.waiting.keep(connection);
    }

    /// Ends what a connection holds, and keeps it for the next claim. Where that cannot be said to the server, it is closed, which ends
    /// it as well.
    pub(crate) async fn unlock(self, mut connection: AnyConnection) {
        let unlocked = sqlx::query("SELECT CAST(pg_advisory_unlock_all() AS TEXT)").execute(&mut connection);
        if let Ok(Ok(_)) = tokio::time::timeout(ANSWER, unlocked).await {
            self.unlocked(connection);
        }
    }
}

/// How long the server may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether the server answers in time. Whoever waits for a lock cannot tell: that may take as long as an audit.
pub(crate) async fn is_there(connection: &mut AnyConnection) -> bool {
    tokio::time::timeout(ANSWER, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
}

async fn ask(connection: &mut AnyConnection, statement: &'static str, number: i64) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar(statement).bind(number).fetch_one(connection).await?)
}
