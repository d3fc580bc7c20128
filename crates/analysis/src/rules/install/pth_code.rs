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
        let severity = if any(&hidden) && any(&["exec(", "eval(", "subprocess", "os.system", "popen"]) {
            // Coverage tools run a text that can be read.
            Severity::Critical
        } else if any(&["exec(", "eval(", "b64decode", "subprocess", "urlopen", "socket", "os.system", "requests"]) {
            Severity::High
        } else {
            Severity::Medium
        };
        let hit = hits.hit(&pth.text).file(pth.file.clone()).line(pth.line).reach(Reach::Install);
        hits.push(hit.severity(severity));
    }
}
