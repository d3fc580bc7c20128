//! A .pth file runs code whenever Python starts.

use sigma_core::{Capability, Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "pth-code",
    category: Category::InstallHook,
    capability: Some(Capability::InstallHook),
    severity: Severity::Medium,
    message: "Python runs this line whenever it starts, without an import of the package.",
    why: "A line with import in a .pth file runs whenever Python starts, even if nobody imports the package.",
    false_positives: "Editable installs, coverage tools and namespace packages use it, so an ordinary line is MEDIUM; \
          one that connects or starts programs is HIGH. CRITICAL only where it runs what it decodes or fetches.",
    example: "import demo_hook; demo_hook.start()",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for pth in &distribution.manifests.pth_lines {
        let any = |words: &[&str]| words.iter().any(|word| pth.text.contains(word));
        let hidden = ["b64decode", "b16decode", "fromhex", "zlib", "marshal", "urlopen", "os.system", "requests"];
        let runs = any(&["exec(", "eval("]) && !runs_what_it_says(&pth.text);
        let severity = if any(&hidden) && (runs || any(&["subprocess", "os.system", "popen"])) {
            Severity::Critical
        } else if runs || any(&["b64decode", "subprocess", "urlopen", "socket", "os.system", "requests"]) {
            // Several statements do not fit on one line, but for a text that can be read there.
            Severity::High
        } else {
            Severity::Medium
        };
        let hit = hits.hit(&pth.text).file(pth.file.clone()).line(pth.line).reach(Reach::Install);
        hits.push(hit.severity(severity));
    }
}

/// True when all that the line runs as code is one text in quotes, without anything that could hide more.
fn runs_what_it_says(line: &str) -> bool {
    let mut parts = line.split("exec(");
    let (Some(before), Some(code), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let hides = [
        "eval(",
        "compile(",
        "__import__",
        "getattr",
        "decode",
        "decompress",
        "marshal",
        "chr(",
        "fromhex",
        "\\x",
        "\\u",
    ];
    let Some(quote) = code.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { return false };
    let Some(inside) = code.trim_end().strip_suffix(')').and_then(|code| code[1..].strip_suffix(quote)) else {
        return false;
    };
    let alone = before.trim_end().is_empty() || before.trim_end().ends_with(';');
    alone && !inside.contains(quote) && !hides.iter().any(|word| line.contains(word))
}
