//! Look-ups on PostgreSQL: a few connections of our own with prepared statements.
//!
//! In: exact packages. Out: their answering certificates, by one statement for each look-up, and one more where there is something rare
//! to tell. sqlx's pool asks a connection whether it still lives each time one is taken and each time it is given back, which is two
//! questions beside the one that matters; here, a connection that ended is noticed by the look-up itself, which then takes another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use sigma_certificate::lacks_advisories;
use sigma_core::PackageId;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres, Row as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::{Record, answers_before, intact, level, snapshot};
use crate::StoreError;
use crate::anchors::{ANCHOR, ANCHOR_COLUMNS, OWN, PLACE, read as read_anchor};
use crate::announced::ANNOUNCED;
use crate::decisions::{COLUMNS, LAST, NEWEST, decision};

/// Connections at once. A look-up takes a fraction of a millisecond: these are thousands a second.
const CONNECTIONS: usize = 4;
/// How long a look-up waits for a connection: whoever is asked should say soon that the database does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Packages of one statement.
const CHUNK: usize = 5_000;

/// What every look-up needs, and whether there is more: the last decision, and an anchor of its own or a place in the log where there
/// are anchors. Joined, what few certificates have takes more than all the rest.
fn common(place: &str, from: &str) -> Arc<str> {
    format!(
        "SELECT {place}, c.id, c.payload_hash, c.certified_at, c.payload, c.level, {LAST},
             CASE WHEN EXISTS (SELECT 1 FROM anchor) THEN COALESCE({OWN}, {PLACE}) END
         FROM certificate c {from} AND {ANNOUNCED}"
    )
    .into()
}

static ONE: LazyLock<Arc<str>> =
    LazyLock::new(|| common("1::bigint", "WHERE c.ecosystem = $1 AND c.name = $2 AND c.version = $3"));
static MANY: LazyLock<Arc<str>> = LazyLock::new(|| {
    common(
        "q.place",
        "JOIN UNNEST($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS q (ecosystem, name, version, place)
             ON c.ecosystem = q.ecosystem AND c.name = q.name AND c.version = q.version WHERE TRUE",
    )
});
/// The rest, of certificates of which there is more to tell.
static RARE: LazyLock<Arc<str>> = LazyLock::new(|| {
    format!(
        "SELECT c.id, v.snapshot, {COLUMNS}, {ANCHOR_COLUMNS} FROM certificate c {NEWEST} {}
         LEFT JOIN advisory v ON v.ecosystem = c.ecosystem AND v.name = c.name AND v.version = c.version
         WHERE c.id = ANY($1::text[])",
        *ANCHOR
    )
    .into()
});

pub(super) struct Lookups {
    options: PgConnectOptions,
    idle: Mutex<Vec<PgConnection>>,
    places: Semaphore,
    statements: AtomicU64,
}

impl Lookups {
    pub(super) fn new(url: &Url) -> Result<Self, StoreError> {
        Ok(Self {
            options: url.as_str().parse::<PgConnectOptions>()?.disable_statement_logging(),
            idle: Mutex::default(),
            places: Semaphore::new(CONNECTIONS),
            statements: AtomicU64::new(0),
        })
    }

    /// Statements that look-ups took so far.
    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The answering certificates, in the same order.
    pub(super) async fn packages(&self, packages: &[PackageId]) -> Result<Vec<Option<Record>>, StoreError> {
        let place = timeout(PATIENCE, self.places.acquire()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let _place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let is_new = idle.is_none();
            let mut connection = match idle {
                Some(connection) => connection,
                None => timeout(PATIENCE, PgConnection::connect_with(&self.options))
                    .await
                    .map_err(|_| sqlx::Error::PoolTimedOut)??,
            };
            // A connection is given back after a whole answer, and in no other case: one that failed, or whose caller went, ends here.
            match self.read(&mut connection, packages).await {
                Err(StoreError::Sql(error)) if !is_new => {
                    tracing::debug!(%error, "a connection for look-ups ended; another one is asked");
                }
                Err(error @ StoreError::Sql(_)) => return Err(error),
                read => {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                    return read;
                }
            }
        }
    }

    async fn read(
        &self,
        connection: &mut PgConnection,
        packages: &[PackageId],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let mut records = Vec::with_capacity(packages.len());
        for (number, chunk) in packages.chunks(CHUNK).enumerate() {
            for row in self.fetch(connection, question(chunk)).await? {
                let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).unwrap_or(usize::MAX);
                records.push((number * CHUNK + place, common_of(&row)?));
            }
        }
        let rare = |(_, (record, more)): &(usize, (Record, bool))| {
            (*more || lacks_advisories(&record.payload)).then(|| record.id.clone())
        };
        let rare: Vec<String> = records.iter().filter_map(rare).collect();
        let mut rows = HashMap::new();
        if !rare.is_empty() {
            for row in self.fetch(connection, sqlx::query(AssertSqlSafe(RARE.clone())).bind(rare)).await? {
                rows.insert(row.try_get::<String, _>(0)?, row);
            }
        }
        let mut found: Vec<Option<Record>> = vec![None; packages.len()];
        for (place, (mut record, _)) in records {
            if let Some(row) = rows.get(&record.id) {
                add_rare(&mut record, row)?;
            }
            // A place is one of those that were asked for.
            if let Some(best) = found.get_mut(place)
                && best.as_ref().is_none_or(|best| answers_before(&record, best))
            {
                *best = Some(record);
            }
        }
        found.into_iter().map(|record| record.map(intact).transpose()).collect()
    }

    async fn fetch(
        &self,
        connection: &mut PgConnection,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(query.fetch_all(connection).await?)
    }
}

/// One package is asked for by a statement that the database plans for one.
fn question(packages: &[PackageId]) -> Query<'_, Postgres, PgArguments> {
    if let [package] = packages {
        let query = sqlx::query(AssertSqlSafe(ONE.clone()));
        return query.bind(package.ecosystem().as_str()).bind(package.name().as_str()).bind(package.version());
    }
    let all = |part: fn(&PackageId) -> &str| packages.iter().map(part).collect::<Vec<&str>>();
    sqlx::query(AssertSqlSafe(MANY.clone()))
        .bind(all(|package| package.ecosystem().as_str()))
        .bind(all(|package| package.name().as_str()))
        .bind(all(|package| package.version()))
}

/// A record as most are, and whether there is more to tell of it.
fn common_of(row: &PgRow) -> Result<(Record, bool), StoreError> {
    let id: String = row.try_get(1)?;
    let more = row.try_get::<Option<i64>, _>(6)?.is_some() || row.try_get::<Option<i64>, _>(7)?.is_some();
    let record = Record {
        level: level(&id, row.try_get(5)?)?,
        id,
        payload_hash: row.try_get(2)?,
        certified_at: row.try_get(3)?,
        payload: row.try_get(4)?,
        decision: None,
        advisories: None,
        anchor: None,
    };
    Ok((record, more))
}

fn add_rare(record: &mut Record, row: &PgRow) -> Result<(), StoreError> {
    record.decision = decision(row, 2)?;
    record.anchor = row.try_get::<Option<i64>, _>(7)?.map(|_| read_anchor(row, 7)).transpose()?;
    if lacks_advisories(&record.payload) {
        record.advisories = row.try_get::<Option<Vec<u8>>, _>(1)?.and_then(|bytes| snapshot(&bytes));
    }
    Ok(())
}
