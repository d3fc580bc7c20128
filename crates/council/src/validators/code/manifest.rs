//! First panel: is it what its SKILL.md says, and who it says it is?

use std::collections::BTreeSet;

use sigma_core::{
    Capability, CodeDossier, Finding, Origin, Phase, Reach, Reason, SecurityLevel, SkillManifest, printable,
};
use url::Url;

use super::finding::{Lens, is_dead, of_lens};
use super::list;
use crate::Validator;
use crate::reasons::state;

/// Judges SKILL.md against the code in both directions, its own problems, and what it claims about itself.
pub struct Manifest;

/// What users want to be told of before they run something.
const GRAVE: [Capability; 6] = [
    Capability::Process,
    Capability::Shell,
    Capability::Credentials,
    Capability::DynamicCode,
    Capability::NativeCode,
    Capability::InstallHook,
];

/// Ways to say that somebody else vouches for it. Who does says so elsewhere.
const CLAIMS: [&str; 14] = [
    "official skill",
    "official plugin",
    "official client",
    "official mcp",
    "official integration",
    "certified by",
    "verified by",
    "audited by",
    "approved by",
    "endorsed by",
    "sigma certified",
    "certified safe",
    "verified safe",
    "100% safe",
];

impl Validator<CodeDossier> for Manifest {
    fn id(&self) -> &'static str {
        "manifest"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &CodeDossier) -> Option<Vec<Reason>> {
        let mut reasons = of_lens(dossier, Lens::Manifest);
        let Some(skill) = &dossier.preprocess.skill else {
            if dossier.category.has_skill() {
                let message = "the category has a skill, and no SKILL.md was read".to_owned();
                reasons.push(state(SecurityLevel::Caution, "skill-missing", message));
            }
            return Some(reasons);
        };
        reasons.extend(undeclared(dossier));
        reasons.extend(unused(dossier));
        reasons.extend(problems(skill));
        reasons.extend(claims(skill, &dossier.origin));
        Some(reasons)
    }
}

/// What the code has and SKILL.md does not declare. An incomplete list misleads more than none: it is CAUTION, none at all
/// is MONITORED.
pub fn undeclared(dossier: &CodeDossier) -> Vec<Reason> {
    let first = &dossier.preprocess;
    let Some(skill) = &first.skill else { return Vec::new() };
    let mut reasons = Vec::new();
    if !first.delta.undeclared_hosts.is_empty() {
        let level = beside(!skill.external_calls.is_empty());
        let message =
            format!("speaks to hosts that SKILL.md does not declare: {}", list(&first.delta.undeclared_hosts));
        reasons.push(state(level, "undeclared-hosts", message));
    }
    let undeclared = &first.delta.undeclared_capabilities;
    let words = |which: &BTreeSet<&Capability>| list(which.iter().map(|capability| capability.as_str()));
    let (grave, mild): (BTreeSet<&Capability>, BTreeSet<&Capability>) =
        undeclared.iter().partition(|capability| GRAVE.contains(capability));
    if !grave.is_empty() {
        let alive = grave.iter().any(|capability| is_alive(&first.report.findings, **capability));
        let level = beside(alive && !skill.capabilities.is_empty());
        let message = format!("is able to do what SKILL.md does not declare: {}", words(&grave));
        reasons.push(state(level, "undeclared-capabilities", message));
    }
    if !mild.is_empty() {
        let told = !skill.capabilities.is_empty();
        let level = if told { SecurityLevel::Monitored } else { SecurityLevel::Clear };
        let message = format!("SKILL.md does not name abilities that are ordinary: {}", words(&mild));
        reasons.push(state(level, "undeclared-ordinary-capabilities", message));
    }
    reasons
}

fn beside(others_declared: bool) -> SecurityLevel {
    if others_declared { SecurityLevel::Caution } else { SecurityLevel::Monitored }
}

/// Whether something that is not known to be dead has the capability. One that no finding stands for counts as alive.
fn is_alive(findings: &[Finding], capability: Capability) -> bool {
    let mut of_it = findings.iter().filter(|finding| finding.capability == Some(capability)).peekable();
    of_it.peek().is_none() || of_it.any(|finding| finding.reach > Reach::Test && !is_dead(finding))
}

/// What SKILL.md asks for and the code does not need: permissions that wait for a use.
fn unused(dossier: &CodeDossier) -> Vec<Reason> {
    let delta = &dossier.preprocess.delta;
    let both = delta.unused_hosts.iter().chain(&delta.unused_capabilities);
    let named = list(both);
    if named.is_empty() {
        return Vec::new();
    }
    let message = format!("SKILL.md declares what the code does not show: {named}");
    vec![state(SecurityLevel::Monitored, "declared-and-unused", message)]
}

fn problems(skill: &SkillManifest) -> Vec<Reason> {
    const MOST: usize = 10;
    let problem = |one: &sigma_core::Problem| Reason {
        location: Some(one.at.to_string()),
        ..state(SecurityLevel::Monitored, "skill-problem", printable(&one.message, 300))
    };
    let mut reasons: Vec<Reason> = skill.problems.iter().take(MOST).map(problem).collect();
    if skill.problems.len() > MOST {
        let message = format!("SKILL.md has {} further problems", skill.problems.len() - MOST);
        reasons.push(state(SecurityLevel::Monitored, "skill-problems", message));
    }
    reasons
}

fn claims(skill: &SkillManifest, origin: &Origin) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let texts = [&skill.name, &skill.description, &skill.author].into_iter().flatten().chain(skill.metadata.values());
    let said = texts.map(|text| text.to_ascii_lowercase()).collect::<Vec<_>>().join("\n");
    let named = skill.name.as_deref().is_some_and(|name| name.split('-').any(|word| word == "official"));
    if let Some(claim) = CLAIMS.into_iter().find(|claim| said.contains(claim)).or(named.then_some("official")) {
        let message = format!("SKILL.md says `{claim}` of itself, which only somebody else can say");
        reasons.push(state(SecurityLevel::Monitored, "claims-trust", message));
    }
    let unlimited = |tool: &&String| {
        let tool = tool.to_ascii_lowercase().replace(' ', "");
        matches!(tool.as_str(), "*" | "all" | "bash" | "bash(*)" | "bash(*:*)" | "shell" | "terminal")
    };
    let tools: Vec<&String> = skill.allowed_tools.iter().filter(unlimited).collect();
    if !tools.is_empty() {
        let message = format!("SKILL.md lets an agent use tools without asking and without a limit: {}", list(tools));
        reasons.push(state(SecurityLevel::Monitored, "tools-without-limit", message));
    }
    if let (Some(homepage), Origin::Repository { url, .. }) = (&skill.homepage, origin)
        && points_elsewhere(homepage, url)
    {
        let message = format!("SKILL.md names another repository as its home: {}", printable(homepage, 200));
        reasons.push(state(SecurityLevel::Monitored, "homepage-elsewhere", message));
    }
    reasons
}

/// True where both are repositories on the same host, and not the same.
fn points_elsewhere(homepage: &str, repository: &str) -> bool {
    let parts = |text: &str| {
        let url = Url::parse(text).ok()?;
        let path: Vec<String> = url
            .path_segments()?
            .filter(|part| !part.is_empty())
            .take(2)
            .map(|part| part.trim_end_matches(".git").to_ascii_lowercase())
            .collect();
        Some((url.host_str()?.to_ascii_lowercase(), path))
    };
    match (parts(homepage), parts(repository)) {
        (Some((one, home)), Some((other, path))) => one == other && home.len() == 2 && home != path,
        _ => false,
    }
}
