//! `sigma serve`: the store over HTTP.

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

use crate::args::{Args, Serve};
use crate::{Outcome, wire};

/// Runs the command until SIGTERM or Ctrl-C.
pub async fn run(args: &Args, command: &Serve) -> Result<Outcome> {
    let config = wire::config(args)?;
    let app = wire::server(&config).await?;
    let listener =
        TcpListener::bind(command.listen).await.with_context(|| format!("cannot listen on {}", command.listen))?;
    let address = listener.local_addr().context("listener")?;
    let stop = wire::asked_to_end()?;
    tracing::info!(server.address = %address, store.path = %config.store.display(), "listening on http://{address}");
    sigma_server::serve(listener, app, stop).await.context("the server failed")?;
    tracing::info!("stopped");
    Ok(Outcome::Pass)
}
