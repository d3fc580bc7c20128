//! How results are printed: as a table for people, JSON for programs, Markdown for reports.

mod json;
mod markdown;
pub mod operator;
pub mod rules;
pub mod scan;
pub mod submission;
mod table;
pub mod verify;
mod words;

use anyhow::Result;
use sigma_certificate::PackageCertificate;
use sigma_pipeline::{Audit, Decision, WaiverUse};

use crate::args::{self, Format};
use crate::config::Config;

/// The result of an audit.
pub fn audit(
    audit: &Audit,
    decision: &Decision,
    waivers: &[WaiverUse],
    command: &args::Audit,
    config: &Config,
) -> Result<String> {
    let analysis = audit.package_analysis(&config.prices);
    Ok(match command.format {
        Format::Json => json::audit(audit, &analysis, decision, waivers)?,
        Format::Table => table::audit(audit, &analysis, decision, waivers),
        Format::Markdown => markdown::audit(audit, &analysis, decision, waivers),
    })
}

/// A certificate, and what an operator decided about it last.
pub type Shown = (PackageCertificate, Option<sigma_certificate::Decision>, sigma_certificate::OnChain);

/// Certificates, newest first.
pub fn certificates(certificates: &[Shown], format: Format, config: &Config) -> Result<String> {
    Ok(match format {
        Format::Json => json::certificates(certificates, config)?,
        Format::Table => table::certificates(certificates, config),
        // An indented code block: no fence that a piece of evidence could close.
        Format::Markdown => {
            let lines = table::certificates(certificates, config);
            lines.lines().map(|line| format!("    {line}\n")).collect()
        }
    })
}
