//! What one finding in submitted code weighs, and whose business it is.

use sigma_core::{Category, CodeDossier, Finding, Reach, Reason, SecurityLevel, Severity};

use crate::reasons::{cite, level_of};

/// The seat of the first panel that a finding belongs to. Every finding belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lens {
    /// What the code does.
    Behaviour,
    /// What it hides.
    Concealment,
    /// What it says to models.
    Injection,
    /// Who it claims to be.
    Manifest,
    /// What should not be in it.
    Secrets,
}

/// Rules that find text written for a model.
const STEERING: [&str; 2] = ["hidden-instruction", "prompt-injection"];

/// Rules that find hidden text. In a document it is not for human readers, so it is for models.
const HIDDEN: [&str; 2] = ["hidden-characters", "reordered-code"];

/// Whose business a finding is.
pub fn lens(finding: &Finding) -> Lens {
    match finding.category {
        _ if STEERING.contains(&finding.rule.as_str()) => Lens::Injection,
        _ if HIDDEN.contains(&finding.rule.as_str()) && is_document(&finding.file) => Lens::Injection,
        Category::Obfuscation | Category::Archive | Category::Binary => Lens::Concealment,
        Category::Identity | Category::Integrity => Lens::Manifest,
        Category::Secret => Lens::Secrets,
        Category::Import
        | Category::Process
        | Category::Credential
        | Category::Network
        | Category::Filesystem
        | Category::DynamicCode
        | Category::InstallHook => Lens::Behaviour,
    }
}

/// The level that a finding in submitted code asks for: that of the table at [`level_of`], and one step less where the
/// declared entry point does not reach it, because then it is there and does not run. What runs at installation needs no
/// entry point.
pub fn weigh(finding: &Finding) -> SecurityLevel {
    let level = level_of(finding);
    match level {
        SecurityLevel::Blocked if is_dead(finding) => SecurityLevel::Caution,
        SecurityLevel::Caution if is_dead(finding) => SecurityLevel::Monitored,
        level => level,
    }
}

/// Whether nothing that can be seen runs it, although it is neither test nor documentation: those weigh less already.
pub fn is_dead(finding: &Finding) -> bool {
    finding.reached == Some(false) && !matches!(finding.reach, Reach::Install | Reach::Test)
}

/// The level that text written for a model asks for. Whoever uses the skill has a model read SKILL.md, and most have it
/// read the other documents, so that no folder makes them harmless.
///
/// | severity | SKILL.md | other documents, source | source of tests |
/// | --- | --- | --- | --- |
/// | CRITICAL | BLOCKED | BLOCKED | CAUTION |
/// | HIGH | CAUTION; the second panel asks for BLOCKED | CAUTION | MONITORED |
/// | MEDIUM | CAUTION | MONITORED | CLEAR |
/// | LOW | MONITORED | CLEAR | CLEAR |
pub fn steers(finding: &Finding) -> SecurityLevel {
    let skill = is_skill(&finding.file);
    match finding.severity {
        _ if finding.reach == Reach::Test && !is_document(&finding.file) => level_of(finding),
        Severity::Critical => SecurityLevel::Blocked,
        Severity::High => SecurityLevel::Caution,
        Severity::Medium if skill => SecurityLevel::Caution,
        Severity::Medium => SecurityLevel::Monitored,
        Severity::Low if skill => SecurityLevel::Monitored,
        Severity::Low | Severity::Info => SecurityLevel::Clear,
    }
}

/// The findings of one lens, each with its level.
pub fn of_lens(dossier: &CodeDossier, wanted: Lens) -> Vec<Reason> {
    let findings = dossier.preprocess.report.findings.iter().filter(|finding| lens(finding) == wanted);
    let level = if wanted == Lens::Injection { steers } else { weigh };
    findings.map(|finding| point(dossier, finding, level(finding))).collect()
}

/// A reason that cites one finding. A submission is one tree: no distribution is named.
pub fn point(dossier: &CodeDossier, finding: &Finding, level: SecurityLevel) -> Reason {
    let mut reason = Reason { distribution: None, ..cite(&dossier.preprocess.report, finding, level) };
    if is_dead(finding) {
        reason.message.push_str(" The declared entry point does not reach it.");
    }
    reason
}

/// Whether the file is what an agent is told to follow.
pub fn is_skill(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case("SKILL.md"))
}

fn is_document(path: &str) -> bool {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("md" | "mdx" | "markdown" | "rst" | "txt" | "html" | "adoc"))
}
