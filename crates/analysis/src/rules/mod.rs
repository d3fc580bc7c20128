//! The rules: facts in, findings out.
//!
//! A rule is one file, `<group>/<id>.rs`, with its fixtures beside it in `<group>/<id>/` (`hit*`, `miss*`) and one line
//! in [`RULES`]. It is data (id, category, severity, sentence) and one function over facts, text or the distribution; it
//! never walks a tree. A capability alone is [`Severity::Info`]; only combinations and intent are more.

mod archive;
mod binary;
pub(crate) mod catalogue;
mod credential;
mod dynamic;
mod filesystem;
mod flow;
mod hit;
mod identity;
mod install;
mod network;
mod obfuscation;
mod process;
mod release;
mod secret;

pub(crate) use flow::judge;
pub(crate) use hit::{Hit, Hits};

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Facts};
use crate::report::Distribution;

/// A rule.
pub(crate) struct Rule {
    /// Its id: the name of its file, with hyphens.
    pub id: &'static str,
    /// What its findings are about.
    pub category: Category,
    /// The capability that a finding proves.
    pub capability: Option<Capability>,
    /// How much a finding matters, unless the hit says otherwise.
    pub severity: Severity,
    /// What a finding means, in a sentence, unless the hit says otherwise.
    pub message: &'static str,
    /// Why it matters, for the documentation of rules.
    pub why: &'static str,
    /// What innocent code it may also see, for the documentation of rules.
    pub false_positives: &'static str,
    /// A short piece of code that it reports: one of its fixtures.
    pub example: &'static str,
    /// The rule itself.
    pub check: Check,
}

/// What a rule looks at.
pub(crate) enum Check {
    /// The facts of every source file.
    Source(fn(&Source<'_>, &mut Hits<'_>)),
    /// The text of every file that is text.
    Text(fn(&str, &mut Hits<'_>)),
    /// The whole distribution, once all its files were read.
    Distribution(fn(&Distribution<'_>, &mut Hits<'_>)),
}

/// A source file as a rule sees it.
pub(crate) struct Source<'a> {
    /// What it does.
    pub facts: &'a Facts<'a>,
    /// Whether it is the `setup.py` that an installer runs.
    pub setup: bool,
}

impl<'a> Source<'a> {
    /// The calls that have one of `effects`.
    pub fn calls(&self, effects: Effects) -> impl Iterator<Item = &'a Call<'a>> {
        self.facts.calls.iter().filter(move |call| call.effects.any(effects))
    }
}

/// Every rule. One line each.
pub(crate) const RULES: &[&Rule] = &[
    &archive::archive_oddity::RULE,
    &binary::disguised_binary::RULE,
    &binary::native_code::RULE,
    &credential::credential_access::RULE,
    &credential::environment_read::RULE,
    &credential::secret_environment_read::RULE,
    &dynamic::deserialisation::RULE,
    &dynamic::dynamic_code::RULE,
    &dynamic::native_library::RULE,
    &filesystem::file_delete::RULE,
    &filesystem::file_permissions::RULE,
    &filesystem::file_read::RULE,
    &filesystem::file_write::RULE,
    &filesystem::persistence::RULE,
    &flow::credential_exfiltration::RULE,
    &flow::download_execution::RULE,
    &flow::environment_exfiltration::RULE,
    &identity::identity_mismatch::RULE,
    &install::in_tree_backend::RULE,
    &install::install_request::RULE,
    &install::node_gyp::RULE,
    &install::npm_script::RULE,
    &install::npm_script_download::RULE,
    &install::pth_code::RULE,
    &install::setup_code::RULE,
    &install::setup_command::RULE,
    &network::collector_address::RULE,
    &network::network_client::RULE,
    &network::network_server::RULE,
    &network::raw_address::RULE,
    &obfuscation::decoded_execution::RULE,
    &obfuscation::hidden_characters::RULE,
    &obfuscation::obfuscator_output::RULE,
    &process::process_spawn::RULE,
    &process::reverse_shell::RULE,
    &process::shell_command::RULE,
    &secret::embedded_secret::RULE,
];

#[cfg(test)]
mod tests;
