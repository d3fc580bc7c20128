//! `sigma escalations`: packages about which the panels did not agree, and what an operator says about them.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sigma_core::{SecurityLevel, printable};
use sigma_pipeline::{OperatorRuling, decide_escalation};
use sigma_store::{Escalation, Verdict};

use super::certificate::text_of;
use crate::args::{Args, EscalationsArgs, EscalationsCommand, Format};
use crate::{Outcome, render, wire};

/// Runs the command. An escalation that is not there, or not open, is exit code 3.
pub async fn run(args: &Args, command: &EscalationsArgs) -> Result<Outcome> {
    let store = wire::store(&wire::config(args)?).await?;
    match &command.command {
        EscalationsCommand::List { most, format } => {
            let open = store.open_escalations(None, *most).await?;
            super::print(&match format {
                Format::Json => format!("{:#}\n", Value::from_iter(open.iter().map(view))),
                Format::Table | Format::Markdown => render::operator::escalations(&open),
            })?;
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
            let Some(certificate) = decide_escalation(&store, &ruling, wire::now()).await? else { return unknown(id) };
            super::print(&format!("{} is sealed at {}\n", certificate.id(), certificate.payload().security_level))?;
        }
    }
    Ok(Outcome::Pass)
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
