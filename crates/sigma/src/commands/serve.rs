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
    let stop = stop()?;
    tracing::info!(server.address = %address, store.path = %config.store.display(), "listening on http://{address}");
    sigma_server::serve(listener, app, stop).await.context("the server failed")?;
    tracing::info!("stopped");
    Ok(Outcome::Pass)
}

/// Resolves when the process is told to stop. The handlers are in place when this returns.
fn stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("signal handler")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signal handler")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop; requests under way are answered first");
    })
}
