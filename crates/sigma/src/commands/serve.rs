//! `sigma serve`: the store over HTTP.

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

use crate::args::{Args, Serve};
use crate::config::Config;
use crate::{Outcome, wire};

/// Runs the command until SIGTERM or Ctrl-C.
pub async fn run(args: &Args, command: &Serve) -> Result<Outcome> {
    let config = wire::config(args)?;
    let (app, worker) = wire::server(&config, !command.no_worker).await?;
    let listener =
        TcpListener::bind(command.listen).await.with_context(|| format!("cannot listen on {}", command.listen))?;
    let address = listener.local_addr().context("listener")?;
    let stop = wire::asked_to_end()?;
    tracing::info!(server.address = %address, store.path = %config.store.display(), "listening on http://{address}");
    if let Some(text) = wire::begun(&config, app.store()) {
        tracing::info!("{text}");
    }
    if config.api_base == Config::defaults()?.api_base {
        tracing::info!("answers name {} as the address of this API; set api_base to your own", config.api_base);
    }
    let (tell, told) = tokio::sync::watch::channel(());
    let mut ends = told.clone();
    wire::keep_log(&config, app.store(), async move { drop(ends.changed().await) })?;
    let mut ends = told.clone();
    let anchoring = wire::anchoring(&config, app.store().clone(), async move { drop(ends.changed().await) })?;
    let working = worker.map(|worker| {
        let mut told = told.clone();
        tokio::spawn(async move { worker.run(async { drop(told.changed().await) }).await })
    });
    let served = sigma_server::serve(listener, app, async {
        stop.await;
        tell.send_replace(());
    });
    let served = served.await.context("the server failed");
    // However the server ended: the worker finishes what it can, and gives the rest back.
    drop(tell);
    if let Some(working) = working {
        working.await.context("the worker failed")?;
    }
    if let Some(anchoring) = anchoring {
        anchoring.await.context("what puts certificates on the chain failed")?;
    }
    served?;
    tracing::info!("stopped");
    Ok(Outcome::Pass)
}
