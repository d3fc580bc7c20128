//! A setup.py does more than describe the package.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Facts, Layer, Waits, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "setup-code",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Info,
    message: "Runs code of the package while it is built or installed.",
    why: "setup.py runs on the machine that installs a source distribution, before anything else of the package.",
    false_positives: "Builds ask compilers and git and run their own version file: that is INFO or LOW. Connecting to \
          another host is MEDIUM, reading credentials HIGH.",
    example: include_str!("setup_code/hit@setup.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    if !source.setup {
        return;
    }
    for call in source.calls(Effects::SPAWN | Effects::NET | Effects::EVAL | Effects::CREDENTIAL) {
        let hit = hits.at(source.facts, call.place);
        // What only a command of the author's own runs, no installer does.
        if hit.when != When::Load || call.waits.any(Waits::COMMAND) {
            continue;
        }
        let (severity, message) = match call.effects {
            effects if effects.any(Effects::NET) => (Severity::Medium, "setup.py connects to another host."),
            effects if effects.any(Effects::CREDENTIAL) => (Severity::High, "setup.py reads credentials."),
            // Builds ask compilers and git, and run their own version file.
            effects if effects.any(Effects::SPAWN) && imports_only(source.facts, call) => (
                Severity::High,
                "setup.py starts an interpreter that only imports a package, and does not ask it anything.",
            ),
            effects if effects.any(Effects::SPAWN) => (Severity::Low, "setup.py starts another process."),
            _ => (Severity::Info, "setup.py runs text as code."),
        };
        hits.push(hit.severity(severity).message(message));
    }
}

/// True for a call that runs a program of nothing but imports, whose output nobody sees: the import is all it is for.
fn imports_only(facts: &Facts<'_>, call: &Call<'_>) -> bool {
    let asked = call.path.ends_with("output") || call.option("stdout").is_some() || call.path.ends_with("popen");
    let silent = |statement: &str| {
        statement.starts_with("import ") || statement.starts_with("from ") || statement.starts_with("warnings.")
    };
    let imports = |layer: &&Layer| {
        let statements = || layer.code.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty());
        layer.place == call.place && statements().count() > 0 && statements().all(silent)
    };
    !asked && facts.layers.iter().any(|layer| imports(&layer))
}
