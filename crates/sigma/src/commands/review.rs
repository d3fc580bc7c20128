//! `sigma submit` and `sigma review`: from code to a certificate, or to what one would say.

use anyhow::{Context as _, Result};
use sigma_core::{CouncilVerdict, SecurityLevel, Target, printable};
use sigma_pipeline::{AuditError, AuditOptions, Certified, Hall, Intake, IntakeError, Next, RepositoryRequest};

use super::audit::Unreached;
use crate::args::{Args, How, Review, Submit};
use crate::config::Config;
use crate::progress::Line;
use crate::render::submission;
use crate::{Outcome, wire};

/// Reviews a public repository, and seals a certificate in the store.
pub async fn submit(args: &Args, command: &Submit) -> Result<Outcome> {
    let config = wire::config(args)?;
    let hall = open(&config, &command.how).await?;
    let request = RepositoryRequest {
        url: command.repo.clone(),
        reference: command.commit.clone(),
        category: command.what.category,
        entry: command.what.entry.clone(),
        folder: command.folder.clone(),
        note: command.note.clone(),
    };
    let line = Line::new();
    line.say(&format!("fetching {}", printable(&command.repo, 100)));
    let intake = hall.take_in(&request).await;
    line.clear();
    let intake = intake.map_err(unfit)?;
    let id = hall.local_submission(&intake);
    if hall.store().certificate_of_submission(&id).await?.is_some() {
        eprintln!("certified before: the same files under the same rules have the same certificate");
        return show(&hall, &id, &command.how, &config).await;
    }
    let (examination, ruling) =
        match review_now(&hall, &intake, &command.how, config.audits.transitive_cap, Some(&id)).await? {
            Reviewed::Halted(outcome) => return Ok(outcome),
            Reviewed::Ruled(ruled) => *ruled,
        };
    let certified = hall.certify(&id, &examination, &ruling).await?;
    hall.keep(&certified).await?;
    wire::announce(&config, hall.store()).await?;
    if let Certified::Sealed(_) = certified {
        return show(&hall, &id, &command.how, &config).await;
    }
    super::print(&submission::examined(&examination, &ruling, command.how.format)?)?;
    Ok(Outcome::Undecided)
}

/// Reviews a folder on this disk; certifies nothing.
pub async fn review(args: &Args, command: &Review) -> Result<Outcome> {
    let config = wire::config(args)?;
    let hall = open(&config, &command.how).await?;
    let (path, what) = (command.path.clone(), (command.what.category, command.what.entry.clone()));
    let reader = hall.clone();
    let intake = tokio::task::spawn_blocking(move || reader.take_in_folder(&path, what.0, what.1.as_deref()));
    let intake = intake.await.context("reading the folder failed")?.map_err(unfit)?;
    let (examination, ruling) =
        match review_now(&hall, &intake, &command.how, config.audits.transitive_cap, None).await? {
            Reviewed::Halted(outcome) => return Ok(outcome),
            Reviewed::Ruled(ruled) => *ruled,
        };
    super::print(&submission::examined(&examination, &ruling, command.how.format)?)?;
    Ok(match ruling.verdict {
        CouncilVerdict::Escalated => Outcome::Undecided,
        CouncilVerdict::Approved | CouncilVerdict::Rejected => outcome(ruling.level),
    })
}

/// What a review came to; a halted one is printed already.
enum Reviewed {
    Halted(Outcome),
    Ruled(Box<(sigma_pipeline::Examination, sigma_core::Ruling)>),
}

/// Reviews what was taken in. With the id of a submission, what it took from the store is booked.
async fn review_now(hall: &Hall, intake: &Intake, how: &How, cap: u32, id: Option<&str>) -> Result<Reviewed> {
    let mut target = Target { platform: how.platform, ..Target::default() };
    if let Some(python) = how.python_version.or_else(|| hall.python()) {
        target.python = python;
    }
    let options = AuditOptions { target, cap: cap as usize, ..AuditOptions::default() };
    let line = Line::new();
    let review = hall.review_submission(intake, &options, &line).await;
    line.clear();
    let review = review.map_err(|error| match error {
        error @ (AuditError::Resolve { .. } | AuditError::Fetch { .. }) => {
            anyhow::Error::new(Unreached(format!("could not decide: {error}")))
        }
        error => error.into(),
    })?;
    Ok(match review {
        sigma_pipeline::Review::Halted { audit, coordination } => {
            if let Some(id) = id {
                hall.book(&audit, id).await?;
            }
            super::print(&submission::halted(intake, &audit, &coordination, hall.prices(), how.format)?)?;
            Reviewed::Halted(match coordination.next {
                Next::Stop => Outcome::PolicyFailure,
                Next::Hold | Next::Proceed => Outcome::Undecided,
            })
        }
        sigma_pipeline::Review::Ruled { audit, examination, ruling } => {
            if let (Some(id), Some(audit)) = (id, &audit) {
                hall.book(audit, id).await?;
            }
            Reviewed::Ruled(Box::new((*examination, ruling)))
        }
    })
}

async fn open(config: &Config, how: &How) -> Result<Hall> {
    let store = wire::store_or_told(config).await?;
    let hall = wire::reviewing_hall(config, store, wire::rules(config)?)?;
    Ok(match how.no_run {
        true => hall.without_sandbox("--no-run was given"),
        false => hall,
    })
}

async fn show(hall: &Hall, id: &str, how: &How, config: &Config) -> Result<Outcome> {
    let known = hall.store().certificate_of_submission(id).await?;
    let known = known.context("the certificate was stored and is not there")?;
    let on_chain = super::show::on_chain(hall.store(), known.certificate.id(), config).await?;
    super::print(&submission::certificate(&known, on_chain, how.format, config)?)?;
    let sealed = known.certificate.payload().review.security_level;
    Ok(outcome(sigma_certificate::effective_level(sealed, known.decision.as_ref())))
}

fn outcome(level: SecurityLevel) -> Outcome {
    match level {
        SecurityLevel::Blocked => Outcome::PolicyFailure,
        SecurityLevel::Clear | SecurityLevel::Monitored | SecurityLevel::Caution => Outcome::Pass,
    }
}

/// A repository that does not answer leaves it undecided; everything else is for the submitter to mend.
fn unfit(error: IntakeError) -> anyhow::Error {
    match error {
        IntakeError::Repository(error) if error.is_transient() => {
            anyhow::Error::new(Unreached(format!("could not decide: {error}")))
        }
        IntakeError::Problems(problems) => {
            let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
            anyhow::anyhow!("this cannot be reviewed as it is:{}", lines.concat())
        }
        error => error.into(),
    }
}
