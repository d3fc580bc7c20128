//! A native file bears the name of something harmless.

use sigma_core::{Capability, Category, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "disguised-binary",
    category: Category::Binary,
    capability: Some(Capability::NativeCode),
    severity: Severity::High,
    message: "A native program is named as if it were something harmless.",
    why: "A program behind the name of a picture or a text is there to be started later without being noticed.",
    false_positives: "Test data may hold small binaries under odd names; in a test folder the finding weighs one step \
          less. Libraries that bear their own extension (.so, .pyd, .node, .dll) are never reported.",
    example: "demo/logo.png begins with the bytes 7f 45 4c 46 (ELF)",
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for binary in &distribution.binaries {
        let name = binary.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let Some((_, extension)) = name.rsplit_once('.') else { continue };
        if HARMLESS.contains(&extension) && matches!(binary.format.as_str(), "elf" | "pe" | "mach-o") {
            let message = format!("A native program ({}) is named as if it were a .{extension} file.", binary.format);
            let hit = hits.hit(&binary.format).file(binary.path.clone()).message(message);
            hits.push(hit);
        }
    }
}

/// Extensions of text, images and fonts: no tool of either ecosystem puts programs there.
const HARMLESS: [&str; 26] = [
    "py", "js", "mjs", "cjs", "ts", "json", "txt", "md", "rst", "html", "css", "xml", "yml", "yaml", "toml", "csv",
    "png", "jpg", "jpeg", "gif", "svg", "ico", "ttf", "woff", "woff2", "pdf",
];
