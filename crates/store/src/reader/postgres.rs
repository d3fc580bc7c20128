//! Changes of a store on PostgreSQL, by LISTEN; look-ups are in `lookups`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sigma_core::PackageId;
use sqlx::postgres::PgListener;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use url::Url;

use super::lookups::Lookups;
use super::{Change, OnChange, Record};
use crate::StoreError;

/// The channel that the triggers of the migrations notify.
const CHANNEL: &str = "sigma_package";

/// How long to wait before a lost connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) struct PostgresReader {
    lookups: Lookups,
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
    pub(super) fn open(url: Url, on_change: OnChange) -> Result<Self, StoreError> {
        let lookups = Lookups::new(&url)?;
        let state = Arc::new(State::default());
        let listening = tokio::spawn(listen(url, state.clone(), on_change)).abort_handle();
        Ok(Self { lookups, state, listening })
    }

    pub(super) fn fresh(&self) -> bool {
        self.state.listens.load(Ordering::SeqCst)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.state.epoch.load(Ordering::SeqCst)
    }

    pub(super) fn statements(&self) -> u64 {
        self.lookups.statements()
    }

    pub(super) async fn packages(&self, packages: &[PackageId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.lookups.packages(packages).await
    }
}

/// How long nothing may be told before the connection is asked whether it would be.
const SILENCE: Duration = Duration::from_secs(2);
/// How long that may take.
const PROOF: Duration = Duration::from_secs(2);

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
    // Otherwise a lost connection would be made anew before it is told of, for half a minute where the server is away.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // What happened before this moment was not told.
    state.tell(Change::Everything, on_change);
    state.listens.store(true, Ordering::SeqCst);
    loop {
        // `try_recv` says when the connection is lost; `recv` would reconnect without a word.
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                let change = notification.payload().parse().map_or(Change::Everything, Change::Package);
                state.tell(change, on_change);
            }
            Ok(lost) => return lost.map(drop),
            // Of a network that is gone nobody tells.
            Err(_) => {
                let asked = timeout(PROOF, sqlx::query("SELECT 1").execute(&mut listener)).await;
                asked.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
            }
        }
    }
}

impl State {
    fn tell(&self, change: Change, on_change: &OnChange) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        on_change(change);
    }
}
