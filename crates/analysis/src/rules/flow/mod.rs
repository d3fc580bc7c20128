//! Where values go: combinations that a capability alone does not show.

pub(super) mod credential_exfiltration;
pub(super) mod download_execution;
pub(super) mod environment_exfiltration;
pub(super) mod key_exfiltration;

use sigma_core::Severity;

use crate::facts::{Effects, Taint, When};
use crate::rules::{Hit, RULES, Rule, network, obfuscation, process};

/// What a flow means: when it has to be called, when it runs at import, when it runs at installation.
pub(in crate::rules) type Verdict = ([Severity; 3], &'static str);

/// What a rule makes of a flow that ends in another file than it began.
pub(crate) struct Judged {
    /// Index of the rule.
    pub rule: usize,
    /// How much it matters: called, imported, installed.
    pub severity: [Severity; 3],
    message: &'static str,
}

impl Judged {
    /// The hit that says so.
    pub fn hit(&self, evidence: &str, line: u32, when: When, function: u32) -> Hit {
        let mut hit = Hit::of(RULES[self.rule], self.rule, evidence).line(line);
        (hit.when, hit.function) = (when, function);
        let [called, loaded, installed] = self.severity;
        let message = format!("{} It comes from another file of the package.", self.message);
        hit.severity(called).loaded(loaded).installed(installed).message(message)
    }
}

/// What the rules that know flows make of one.
pub(crate) fn judge(effects: Effects, taint: Taint) -> Vec<Judged> {
    type Judge = fn(Effects, Taint) -> Option<Verdict>;
    let judges: [(&Rule, Judge); 8] = [
        (&process::reverse_shell::RULE, process::reverse_shell::verdict),
        (&credential_exfiltration::RULE, credential_exfiltration::verdict),
        (&environment_exfiltration::RULE, environment_exfiltration::verdict),
        (&download_execution::RULE, download_execution::verdict),
        (&obfuscation::decoded_execution::RULE, obfuscation::decoded_execution::verdict),
        (&key_exfiltration::RULE, key_exfiltration::verdict),
        (&network::dns_exfiltration::RULE, network::dns_exfiltration::verdict),
        (&process::web_shell::RULE, process::web_shell::verdict),
    ];
    let verdicts = judges.iter().filter_map(|(rule, judge)| {
        let (severity, message) = judge(effects, taint)?;
        let rule = RULES.iter().position(|known| known.id == rule.id)?;
        Some(Judged { rule, severity, message })
    });
    verdicts.collect()
}
