//! First panel: what the code does, and when.

use sigma_core::{Category, Dossier, Phase, Reason, SecurityLevel};

use crate::Validator;
use crate::reasons::{cite, level_of, state, story};

/// Judges processes, network, credentials, files and code made at run time.
pub struct Behaviour;

impl Validator<Dossier> for Behaviour {
    fn id(&self) -> &'static str {
        "behaviour"
    }

    fn phase(&self) -> Phase {
        Phase::One
    }

    fn reasons(&self, dossier: &Dossier) -> Option<Vec<Reason>> {
        let lens = |category| {
            matches!(
                category,
                Category::Process
                    | Category::Network
                    | Category::Credential
                    | Category::Filesystem
                    | Category::DynamicCode
                    | Category::InstallHook
            )
        };
        let findings = dossier.report.findings().filter(|(_, finding)| lens(finding.category));
        let mut reasons: Vec<_> =
            findings.map(|(distribution, finding)| cite(distribution, finding, level_of(finding))).collect();
        reasons.extend(runs_at_installation(dossier));
        reasons.extend(story(dossier.report.findings()));
        reasons.extend(super::entry_points::reasons(dossier));
        Some(reasons)
    }
}

/// Code that runs before anybody imports the package is worth a note however harmless it looks. Only the distribution
/// that would be installed counts: nobody runs the setup.py of an sdist that lies beside a wheel.
fn runs_at_installation(dossier: &Dossier) -> Option<Reason> {
    let preferred = dossier.report.distributions.first()?;
    let mut hooks = preferred.install_hooks.iter().take(3).map(|hook| sigma_core::printable(hook, 120)).peekable();
    hooks.peek()?;
    let message = format!("installing {} runs code: {}", preferred.filename, hooks.collect::<Vec<_>>().join(", "));
    Some(state(SecurityLevel::Monitored, "runs-at-installation", message))
}
