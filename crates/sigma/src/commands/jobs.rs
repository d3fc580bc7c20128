//! `sigma jobs`: the queue as operators see it, and dead letters.

use anyhow::Result;
use serde_json::{Value, json};
use sigma_core::printable;
use sigma_store::{Count, Job, JobId, Outage};

use super::certificate::text_of;
use crate::args::{Args, Format, JobsArgs, JobsCommand};
use crate::{Outcome, render, wire};

/// Runs the command. A job that is not dead is exit code 3.
pub async fn run(args: &Args, command: &JobsArgs) -> Result<Outcome> {
    let store = wire::store(&wire::config(args)?).await?;
    match &command.command {
        JobsCommand::List { state, most, format } => {
            let (jobs, counts) = (store.jobs((*state).into(), None, *most).await?, store.job_counts().await?);
            let outages = store.outages(None).await?;
            super::print(&match format {
                Format::Json => {
                    let jobs = Value::from_iter(jobs.iter().map(job));
                    let counts = Value::from_iter(counts.iter().map(count));
                    let outages = Value::from_iter(outages.iter().map(outage));
                    format!("{:#}\n", json!({"counts": counts, "outages": outages, "jobs": jobs}))
                }
                Format::Table | Format::Markdown => render::operator::jobs(&jobs, &counts, &outages),
            })?;
        }
        JobsCommand::Retry { job, why } => {
            let (reason, by) = (text_of("--reason", &why.reason)?, text_of("--by", &why.by)?);
            if !store.retry_job(&JobId::named(job), &by, &reason, wire::now()).await? {
                eprintln!("no dead job {}; see `sigma jobs list`", printable(job, 60));
                return Ok(Outcome::Undecided);
            }
            super::print(&format!("{job} runs again\n"))?;
        }
    }
    Ok(Outcome::Pass)
}

fn job(job: &Job) -> Value {
    json!({
        "id": job.id.as_str(), "kind": job.kind, "class": job.class, "key": job.key, "state": job.state.as_str(),
        "attempts": job.attempts, "maxAttempts": job.max_attempts, "dueAt": job.due_at, "worker": job.lease_owner,
        "lastError": job.last_error, "outage": job.outage, "createdAt": job.created_at, "updatedAt": job.updated_at,
    })
}

fn outage(outage: &Outage) -> Value {
    json!({"reason": outage.reason, "jobs": outage.jobs, "nextAttemptAt": outage.next_at})
}

fn count(count: &Count) -> Value {
    json!({"class": count.class, "state": count.state.as_str(), "jobs": count.jobs, "oldest": count.oldest})
}
