//! `sigma worker`: runs jobs until it is asked to end.

use anyhow::{Context as _, Result};
use sigma_pipeline::Worker;

use crate::args::{Args, WorkerArgs};
use crate::{Outcome, wire};

/// Runs the command. It ends on SIGINT and SIGTERM, once what it does is finished or given back.
pub async fn run(args: &Args, command: &WorkerArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let store = wire::store_or_new(&config).await?;
    let hall = wire::reviewing_hall(&config, store.clone(), wire::rules(&config)?)?;
    let mut limits = config.worker.clone();
    limits.jobs = command.jobs.unwrap_or(limits.jobs);
    anyhow::ensure!(limits.jobs > 0, "got 0 jobs, expected at least 1");
    let stop = wire::asked_to_end()?;
    let (tell, told) = tokio::sync::watch::channel(());
    let mut ends = told.clone();
    wire::keep_log(&config, &store, async move { drop(ends.changed().await) })?;
    let name = wire::worker_name();
    tracing::info!(worker.name = name, worker.jobs = limits.jobs, "working");
    if let Some(text) = wire::begun(&config, &store) {
        tracing::info!("{text}");
    }
    let worker = Worker::new(hall, &name, limits);
    if command.until_idle {
        worker.run_until_idle(stop).await;
        return Ok(Outcome::Pass);
    }
    let mut ends = told.clone();
    let anchoring = wire::anchoring(&config, store, async move { drop(ends.changed().await) })?;
    worker.run(stop).await;
    drop(tell);
    if let Some(anchoring) = anchoring {
        anchoring.await.context("what puts certificates on the chain failed")?;
    }
    tracing::info!("stopped");
    Ok(Outcome::Pass)
}
