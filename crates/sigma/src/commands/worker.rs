//! `sigma worker`: runs jobs until it is asked to end.

use anyhow::Result;
use sigma_pipeline::Worker;

use crate::args::{Args, WorkerArgs};
use crate::{Outcome, wire};

/// Runs the command. It ends on SIGINT and SIGTERM, once what it does is finished or given back.
pub async fn run(args: &Args, command: &WorkerArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let hall = wire::reviewing_hall(&config, wire::store(&config).await?, wire::rules(&config)?)?;
    let mut limits = config.worker.clone();
    limits.jobs = command.jobs.unwrap_or(limits.jobs);
    anyhow::ensure!(limits.jobs > 0, "got 0 jobs, expected at least 1");
    let stop = wire::asked_to_end()?;
    let (tell, mut told) = tokio::sync::watch::channel(());
    wire::keep_log(&config, hall.store(), async move { drop(told.changed().await) });
    let worker = Worker::new(hall, &wire::worker_name(), limits);
    match command.until_idle {
        true => worker.run_until_idle(stop).await,
        false => worker.run(stop).await,
    }
    drop(tell);
    Ok(Outcome::Pass)
}
