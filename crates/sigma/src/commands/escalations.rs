//! `sigma escalations`: packages and submissions about which the panels did not agree, and what an operator says about them.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sigma_core::{Ruling, SecurityLevel, Timestamp, printable};
use sigma_pipeline::{Examination, OperatorRuling, decide_escalation, decide_submission};
use sigma_store::{Escalation, SubmissionEscalation, Verdict};

use super::certificate::text_of;
use crate::args::{Args, EscalationsArgs, EscalationsCommand, Format};
use crate::{Outcome, render, wire};

/// Runs the command. An escalation that is not there, or not open, is exit code 3.
pub async fn run(args: &Args, command: &EscalationsArgs) -> Result<Outcome> {
    let config = wire::config(args)?;
    let store = wire::store(&config).await?;
    match &command.command {
        EscalationsCommand::List { most, format } => {
            let packages = store.open_escalations(None, *most).await?;
            let submissions = store.open_submission_escalations(None, *most).await?;
            let submissions: Vec<Value> = submissions.iter().map(submission).collect::<Result<_>>()?;
            super::print(&match format {
                Format::Json => {
                    format!("{:#}\n", Value::from_iter(packages.iter().map(view).chain(submissions)))
                }
                Format::Table | Format::Markdown => render::operator::escalations(&packages, &submissions),
            })?;
        }
        EscalationsCommand::Show { id } if is_submission(id) => {
            let Some(escalation) = store.submission_escalation(id).await? else { return unknown(id) };
            let mut view = submission(&escalation)?;
            view["examination"] = serde_json::from_slice(&escalation.dossier).context("the stored evidence")?;
            view["round"] = serde_json::from_slice(&escalation.round).context("the stored evidence")?;
            super::print(&format!("{view:#}\n"))?;
        }
        EscalationsCommand::Show { id } => {
            let Some((escalation, report, round)) = store.escalation(id).await? else { return unknown(id) };
            let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).context("the stored evidence");
            let mut view = view(&escalation);
            view["payload"] = json!(escalation.payload);
            view["report"] = read(&report)?;
            view["round"] = read(&round)?;
            super::print(&format!("{view:#}\n"))?;
        }
        EscalationsCommand::Decide { id, certify, why, .. } => {
            let verdict = match certify {
                Some(SecurityLevel::Blocked) => bail!("--certify: got blocked, expected clear, monitored or caution"),
                Some(level) => Verdict::Certify(*level),
                None => Verdict::Block,
            };
            let ruling = OperatorRuling {
                escalation: id.clone(),
                verdict,
                reason: text_of("--reason", &why.reason)?,
                operator: text_of("--by", &why.by)?,
            };
            let now = wire::now();
            let sealed = match is_submission(id) {
                true => decide_submission(&store, &ruling, now).await?.map(|sealed| {
                    let certificate = sealed.certificate;
                    (certificate.id().to_owned(), certificate.payload().review.security_level)
                }),
                false => decide_escalation(&store, &ruling, now)
                    .await?
                    .map(|certificate| (certificate.id().to_owned(), certificate.payload().security_level)),
            };
            let Some((certificate, level)) = sealed else { return unknown(id) };
            wire::announce(&config, &store).await?;
            super::print(&format!("{certificate} is sealed at {level}\n"))?;
        }
    }
    Ok(Outcome::Pass)
}

/// Submissions of the API (`sub_`) and of the command line.
fn is_submission(id: &str) -> bool {
    id.starts_with("sub_") || id.starts_with("local/")
}

fn submission(escalation: &SubmissionEscalation) -> Result<Value> {
    let examination: Examination = serde_json::from_slice(&escalation.dossier).context("the stored evidence")?;
    let (_, _, ruling): (String, Timestamp, Ruling) =
        serde_json::from_slice(&escalation.round).context("the stored evidence")?;
    Ok(json!({
        "escalationId": escalation.submission, "category": examination.dossier.category,
        "skillName": examination.name, "escalatedAt": escalation.escalated_at,
        "proposedSecurityLevel": ruling.level, "rationale": ruling.rationale, "warnings": ruling.warnings,
    }))
}

fn unknown(id: &str) -> Result<Outcome> {
    eprintln!("no escalation {} that is open; see `sigma escalations list`", printable(id, 80));
    Ok(Outcome::Undecided)
}

fn view(escalation: &Escalation) -> Value {
    let payload = &escalation.payload;
    json!({
        "escalationId": escalation.id, "registrySource": payload.registry_source, "packageName": payload.package_name,
        "packageVersion": payload.package_version, "distributionSha256": payload.distribution_sha256,
        "escalatedAt": escalation.escalated_at, "proposedSecurityLevel": payload.security_level,
        "rationale": payload.council_rationale, "warnings": payload.retained_warnings,
        "certificateId": escalation.decided.as_ref().map(|(_, certificate)| certificate),
    })
}
