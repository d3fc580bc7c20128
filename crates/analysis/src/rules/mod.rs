//! The rules: facts in, findings out.
//!
//! A rule is one file, `<group>/<id>.rs`, with its fixtures beside it in `<group>/<id>/` (`hit*`, `miss*`) and one line
//! in [`RULES`]. It is data (id, category, severity, sentence) and one function over facts, text or the distribution; it
//! never walks a tree. A capability alone is [`Severity::Info`]; only combinations and intent are more.

mod agent;
mod archive;
mod binary;
pub(crate) mod catalogue;
mod credential;
mod dynamic;
mod evasion;
mod filesystem;
mod flow;
mod held;
mod hit;
mod identity;
mod install;
mod network;
mod obfuscation;
mod process;
mod release;
mod secret;
mod text;
mod worm;

pub(crate) use flow::judge;
pub(crate) use hit::{Hit, Hits, KEPT};

use std::cell::OnceCell;
use std::ops::Deref;

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Deed, Deeds, Effects, Facts, Mention, Signs, find_all_mentions};
use crate::language::Language;
use crate::report::Distribution;
use held::Held;

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
    Text(fn(&Plain<'_>, &mut Hits<'_>)),
    /// The whole distribution, once all its files were read.
    Distribution(fn(&Distribution<'_>, &mut Hits<'_>)),
}

/// A text as a rule sees it.
pub(crate) struct Plain<'a> {
    text: &'a str,
    anchors: OnceCell<agent::Anchors>,
}

impl<'a> Plain<'a> {
    /// A text to look at.
    pub fn new(text: &'a str) -> Self {
        Self { text, anchors: OnceCell::new() }
    }

    /// Where it may instruct a model.
    fn anchors(&self) -> &agent::Anchors {
        self.anchors.get_or_init(|| agent::Anchors::of(self.text))
    }
}

impl Deref for Plain<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// A source file as a rule sees it.
pub(crate) struct Source<'a> {
    /// What it does.
    pub facts: &'a Facts<'a>,
    /// Whether it is the `setup.py` that an installer runs.
    pub setup: bool,
    held: OnceCell<Held>,
}

impl<'a> Source<'a> {
    /// A source to look at.
    pub fn new(facts: &'a Facts<'a>, setup: bool) -> Self {
        Self { facts, setup, held: OnceCell::new() }
    }

    /// Where a text first stands in the source. One of the list of [`held`] costs nothing where the source holds none of it.
    pub fn find(&self, text: &str) -> Option<usize> {
        let source = self.facts.source;
        let held = self.held.get_or_init(|| Held::of(source)).may_hold(text);
        if held { memchr::memmem::find(source.as_bytes(), text.as_bytes()) } else { None }
    }

    /// Whether a text stands in the source.
    pub fn holds(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// The calls that have one of `effects`.
    pub fn calls(&self, effects: Effects) -> impl Iterator<Item = &'a Call<'a>> {
        self.facts.calls.iter().filter(move |call| call.effects.any(effects))
    }

    /// True when some call has one of `effects`.
    pub fn does(&self, effects: Effects) -> bool {
        self.calls(effects).next().is_some()
    }

    /// The command lines that do one of `deeds`.
    pub fn deeds(&self, deeds: Deeds) -> impl Iterator<Item = &'a Deed> {
        self.facts.deeds.iter().filter(move |deed| deed.what.any(deeds))
    }

    /// The texts that are one of `signs`.
    pub fn signs(&self, signs: Signs) -> impl Iterator<Item = &'a Mention> {
        self.facts.mentions.iter().filter(move |mention| mention.signs.any(signs))
    }

    /// How many of `signs` the file shows.
    pub fn count(&self, signs: &[Signs]) -> usize {
        signs.iter().filter(|sign| self.facts.signs.any(**sign)).count()
    }

    /// How many different things of one kind the file names.
    pub fn different(&self, sign: Signs) -> usize {
        let places: std::collections::BTreeSet<&str> =
            self.signs(sign).take(1000).map(|mention| self.facts.text(mention.place)).collect();
        places.len()
    }

    /// True for a shell script, which runs when something starts it and which nobody imports.
    pub fn is_script(&self) -> bool {
        self.facts.language == Language::Shell
    }
}

/// What the constant arguments of a call are signs of.
pub(crate) fn signs_of(call: &Call<'_>) -> Signs {
    let values = call.arguments.iter().flat_map(|a| std::iter::once(&a.value).chain(a.value.items()));
    let fields = ["url", "hostname", "host", "uri"].into_iter().filter_map(|name| call.option(name));
    let texts = values.chain(fields).filter_map(|value| value.as_prefix());
    texts.flat_map(find_all_mentions).fold(Signs::NONE, |all, pattern| all | pattern.signs)
}

/// Every rule. One line each.
pub(crate) const RULES: &[&Rule] = &[
    &agent::agent_configuration::RULE,
    &agent::hidden_instruction::RULE,
    &agent::instructed_command::RULE,
    &agent::prompt_injection::RULE,
    &agent::unleashed_agent::RULE,
    &archive::archive_oddity::RULE,
    &archive::disguised_source::RULE,
    &archive::foreign_place::RULE,
    &archive::startup_module::RULE,
    &binary::disguised_binary::RULE,
    &binary::native_code::RULE,
    &binary::packed_binary::RULE,
    &binary::pickle_code::RULE,
    &binary::pyc_differs::RULE,
    &binary::pyc_without_source::RULE,
    &binary::sourceless_sdist::RULE,
    &binary::stray_executable::RULE,
    &credential::browser_decryption::RULE,
    &credential::client_injection::RULE,
    &credential::clipboard_hijack::RULE,
    &credential::clipboard_package::RULE,
    &credential::credential_access::RULE,
    &credential::environment_read::RULE,
    &credential::keylogger::RULE,
    &credential::screen_capture::RULE,
    &credential::secret_environment_read::RULE,
    &credential::stealer::RULE,
    &credential::stealer_package::RULE,
    &credential::wallet_replacement::RULE,
    &dynamic::data_file_execution::RULE,
    &dynamic::deserialisation::RULE,
    &dynamic::dynamic_code::RULE,
    &dynamic::native_library::RULE,
    &evasion::broken_builtin::RULE,
    &evasion::endless_loop::RULE,
    &evasion::logic_bomb::RULE,
    &evasion::sandbox_check::RULE,
    &evasion::targeting::RULE,
    &filesystem::destruction::RULE,
    &filesystem::file_delete::RULE,
    &filesystem::file_permissions::RULE,
    &filesystem::file_read::RULE,
    &filesystem::file_write::RULE,
    &filesystem::persistence::RULE,
    &filesystem::ransom::RULE,
    &flow::credential_exfiltration::RULE,
    &flow::download_execution::RULE,
    &flow::environment_exfiltration::RULE,
    &flow::key_exfiltration::RULE,
    &identity::copied_description::RULE,
    &identity::dependency_confusion_version::RULE,
    &identity::empty_metadata::RULE,
    &identity::identity_mismatch::RULE,
    &identity::impostor::RULE,
    &identity::lookalike_name::RULE,
    &identity::shadowed_command::RULE,
    &identity::shadowed_module::RULE,
    &identity::starjacking::RULE,
    &install::foreign_dependency::RULE,
    &install::in_tree_backend::RULE,
    &install::install_command::RULE,
    &install::install_request::RULE,
    &install::node_gyp::RULE,
    &install::npm_script::RULE,
    &install::npm_script_download::RULE,
    &install::npm_settings::RULE,
    &install::pth_code::RULE,
    &install::registry_change::RULE,
    &install::setup_code::RULE,
    &install::setup_command::RULE,
    &network::address_report::RULE,
    &network::collector_address::RULE,
    &network::command_exfiltration::RULE,
    &network::dead_drop::RULE,
    &network::dns_exfiltration::RULE,
    &network::hard_coded_webhook::RULE,
    &network::mail_copy::RULE,
    &network::network_client::RULE,
    &network::network_server::RULE,
    &network::page_redirect::RULE,
    &network::payload_download::RULE,
    &network::raw_address::RULE,
    &network::unasked_mail::RULE,
    &obfuscation::decoded_execution::RULE,
    &obfuscation::encoded_literal::RULE,
    &obfuscation::hidden_address::RULE,
    &obfuscation::hidden_characters::RULE,
    &obfuscation::hidden_loader::RULE,
    &obfuscation::hidden_module::RULE,
    &obfuscation::obfuscator_output::RULE,
    &obfuscation::pushed_code::RULE,
    &obfuscation::reordered_code::RULE,
    &obfuscation::source_encoding::RULE,
    &obfuscation::too_deep::RULE,
    &process::command_download::RULE,
    &process::disarming::RULE,
    &process::dropped_program::RULE,
    &process::encoded_command::RULE,
    &process::hidden_window::RULE,
    &process::memory_code::RULE,
    &process::miner::RULE,
    &process::own_program::RULE,
    &process::process_spawn::RULE,
    &process::reverse_shell::RULE,
    &process::shell_command::RULE,
    &process::silent_install::RULE,
    &process::web_shell::RULE,
    &secret::embedded_secret::RULE,
    &text::mixed_script_name::RULE,
    &worm::repository_drop::RULE,
    &worm::secret_scan::RULE,
    &worm::self_publishing::RULE,
    &worm::workflow_writing::RULE,
];

#[cfg(test)]
mod tests;
