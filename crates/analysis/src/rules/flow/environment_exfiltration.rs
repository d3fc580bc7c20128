//! Environment values flow into a network call.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Effects, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "environment-exfiltration",
    category: Category::Credential,
    capability: Some(Capability::Environment),
    severity: Severity::High,
    message: "An environment value flows into a network call.",
    why: "The environment of a build machine or a developer holds tokens; sending it away is how they are stolen.",
    false_positives: "Every client of an interface sends its own key to its own service: that is LOW, or MEDIUM while \
          the module loads. The whole environment, or a known collector's address, is more.",
    example: include_str!("environment_exfiltration/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    for call in source.calls(Effects::NET | Effects::SPAWN) {
        let network = call.effects.any(Effects::NET);
        let collector = call.taint.any(Taint::EXFIL_HOST | Taint::RAW_IP);
        // A child process is handed the environment as a matter of course; a command line with an address is not.
        if !network && !collector {
            continue;
        }
        let hit = hits.at(source.facts, call.place);
        let load = hit.when == When::Load;
        let (severity, message) = match call.taint {
            taint if taint.any(Taint::ENV_ALL) && (collector || load) => {
                (Severity::Critical, "The whole environment flows into a network call.")
            }
            taint if taint.any(Taint::ENV_ALL) => (Severity::High, "The whole environment flows into a network call."),
            taint if taint.any(Taint::SECRET) && collector => (
                Severity::Critical,
                "A secret of the environment is sent to an address that often serves to collect data.",
            ),
            taint if taint.any(Taint::SECRET) && load => {
                (Severity::Medium, "A secret of the environment flows into a network call when the module is loaded.")
            }
            // What every client of an interface does with its key.
            taint if taint.any(Taint::SECRET) => {
                (Severity::Low, "A secret of the environment flows into a network call.")
            }
            taint if taint.any(Taint::ENV | Taint::HOST_INFO) && collector => {
                (Severity::High, "Facts about the machine are sent to an address that often serves to collect data.")
            }
            taint if taint.any(Taint::HOST_INFO) && load => {
                (Severity::Medium, "Facts about the machine flow into a network call when the module is loaded.")
            }
            taint if taint.any(Taint::ENV) => (Severity::Info, "An environment value flows into a network call."),
            _ => continue,
        };
        hits.push(hit.severity(severity).message(message));
    }
}
