//! Keeping the log: whoever has the keys signs, logs and announces what is sealed, for as long as the process runs.

use std::time::Duration;

use sigma_core::Timestamp;
use sigma_store::{Claim, Duty, Store};

use super::{Ledger, LedgerError, LedgerFolder};
use crate::Clock;

/// How often the store is asked for what waits: the question costs a look at an empty table.
const LOOK: Duration = Duration::from_millis(200);
/// How often decisions and the age of the status list are looked at where nothing else happens.
const REST: i64 = 2_000;
/// How long to wait for the next try when another process is the writer, or something failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Signs, logs and announces until it is told to end. Of all processes that could, one does: the one that holds the claim in the
/// store's database, which ends with its process. The others wait to take its place.
pub async fn keep_log(folder: LedgerFolder, store: Store, clock: Clock, end: impl Future<Output = ()>) {
    tokio::pin!(end);
    let mut said = String::new();
    loop {
        tokio::select! {
            // In the middle of a step it may be dropped: every step is one that a crash may interrupt, too.
            () = &mut end => return,
            error = serve(&folder, &store, &clock) => {
                let text = error.to_string();
                // Said once, not every two seconds.
                if text != said {
                    tracing::warn!(%error, "certificates are not announced until this passes");
                    said = text;
                }
            }
        }
        tokio::select! {
            () = &mut end => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Writes the log until that fails.
async fn serve(folder: &LedgerFolder, store: &Store, clock: &Clock) -> LedgerError {
    let mut claim = loop {
        match store.try_claim(Duty::Log).await {
            Ok(Some(claim)) => break claim,
            Ok(None) => tokio::time::sleep(PAUSE).await,
            Err(error) => return error.into(),
        }
    };
    match folder.open() {
        Ok(mut ledger) => {
            tracing::info!("this process writes the transparency log");
            let asking = ledger.asking().clone();
            tokio::select! {
                written = run(&mut ledger, &mut claim, store, clock) => match written {
                    Ok(()) => LedgerError::Busy,
                    Err(error) => error,
                },
                // Beside the writer, never in its way.
                never = asking.run(clock) => match never {},
            }
        }
        Err(error) => error,
    }
}

/// Until the claim is lost.
async fn run(ledger: &mut Ledger, claim: &mut Claim, store: &Store, clock: &Clock) -> Result<(), LedgerError> {
    let mut rested = Timestamp::from_millis(i64::MIN);
    loop {
        let now = clock();
        let due = now.as_millis().saturating_sub(rested.as_millis()) >= REST;
        if due || store.unannounced().await? > 0 {
            if !claim.is_held().await {
                return Ok(());
            }
            let synced = ledger.sync(store, true, now).await?;
            if synced.certificates + synced.decisions > 0 {
                let (certificates, decisions) = (synced.certificates, synced.decisions);
                tracing::info!(certificates, decisions, log.size = synced.size, "logged and announced");
            }
            rested = if synced.more { Timestamp::from_millis(i64::MIN) } else { now };
        }
        tokio::time::sleep(LOOK).await;
    }
}
