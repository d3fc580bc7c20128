//! Look-ups on PostgreSQL: through the pool; changes by LISTEN.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sigma_certificate::lacks_advisories;
use sigma_core::PackageId;
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::task::AbortHandle;
use url::Url;

use super::{Change, OnChange, Record, answers_before, intact, level, snapshot};
use crate::anchors::{ANCHOR, ANCHOR_COLUMNS, read as read_anchor};
use crate::announced::ANNOUNCED;
use crate::database::placeholders;
use crate::decisions::{COLUMNS, NEWEST, decision};
use crate::{Store, StoreError};

/// The channel that the triggers of the migrations notify.
const CHANNEL: &str = "sigma_package";

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// PostgreSQL allows 65,535 bound values in a statement; a look-up binds three for each package.
const LOOKUP_CHUNK: usize = 5_000;

pub(super) struct PostgresReader {
    store: Store,
    state: Arc<State>,
    listening: AbortHandle,
}

#[derive(Default)]
struct State {
    listens: AtomicBool,
    epoch: AtomicU64,
}

impl Drop for PostgresReader {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl PostgresReader {
    pub(super) fn open(store: Store, url: Url, on_change: OnChange) -> Self {
        let state = Arc::new(State::default());
        let listening = tokio::spawn(listen(url, state.clone(), on_change)).abort_handle();
        Self { store, state, listening }
    }

    pub(super) fn fresh(&self) -> bool {
        self.state.listens.load(Ordering::SeqCst)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.state.epoch.load(Ordering::SeqCst)
    }

    pub(super) async fn packages(&self, packages: &[PackageId]) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found: HashMap<String, Record> = HashMap::new();
        for chunk in packages.chunks(LOOKUP_CHUNK) {
            let sql = format!(
                "SELECT c.ecosystem, c.name, c.version, c.id, c.payload_hash, c.certified_at, c.payload, v.snapshot,
                     {COLUMNS}, c.level, {ANCHOR_COLUMNS}
                 FROM certificate c {NEWEST} {}
                 LEFT JOIN advisory v ON v.ecosystem = c.ecosystem AND v.name = c.name AND v.version = c.version
                 WHERE (c.ecosystem, c.name, c.version) IN (VALUES {}) AND {ANNOUNCED}",
                *ANCHOR,
                placeholders(1, chunk.len(), 3)
            );
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, package| {
                query.bind(package.ecosystem().as_str()).bind(package.name().as_str()).bind(package.version())
            });
            for row in query.fetch_all(&self.store.database.pool).await? {
                let (ecosystem, name, version): (String, String, String) =
                    (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let id: String = row.try_get(3)?;
                let record = Record {
                    level: level(&id, row.try_get(13)?)?,
                    id,
                    payload_hash: row.try_get(4)?,
                    certified_at: row.try_get(5)?,
                    payload: row.try_get(6)?,
                    advisories: row.try_get::<Option<Vec<u8>>, _>(7)?.and_then(|bytes| snapshot(&bytes)),
                    decision: decision(&row, 8)?,
                    anchor: row.try_get::<Option<i64>, _>(14)?.map(|_| read_anchor(&row, 14)).transpose()?,
                };
                let key = format!("{ecosystem}:{name}@{version}");
                if found.get(&key).is_none_or(|best| answers_before(&record, best)) {
                    found.insert(key, record);
                }
            }
        }
        let of = |package: &PackageId| {
            let Some(record) = found.get(&package.to_string()) else { return Ok(None) };
            let mut record = intact(record.clone())?;
            record.advisories = record.advisories.filter(|_| lacks_advisories(&record.payload));
            Ok(Some(record))
        };
        packages.iter().map(of).collect()
    }
}

/// Listens for as long as the reader lives. While it does not listen, nothing kept ready is used.
async fn listen(url: Url, state: Arc<State>, on_change: OnChange) {
    loop {
        if let Err(error) = listen_once(&url, &state, &on_change).await {
            tracing::warn!(%error, "not listening to the store's changes: answers are read anew until this is back");
        }
        state.listens.store(false, Ordering::SeqCst);
        state.tell(Change::Everything, &on_change);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(url: &Url, state: &State, on_change: &OnChange) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url.as_str()).await?;
    listener.listen(CHANNEL).await?;
    // What happened before this moment was not told.
    state.tell(Change::Everything, on_change);
    state.listens.store(true, Ordering::SeqCst);
    // `try_recv` says when the connection is lost; `recv` would reconnect without a word.
    while let Some(notification) = listener.try_recv().await? {
        let change = notification.payload().parse().map_or(Change::Everything, Change::Package);
        state.tell(change, on_change);
    }
    Ok(())
}

impl State {
    fn tell(&self, change: Change, on_change: &OnChange) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        on_change(change);
    }
}
