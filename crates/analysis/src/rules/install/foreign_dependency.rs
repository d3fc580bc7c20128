//! A dependency is fetched from an address and not from the ecosystem.

use sigma_core::{Category, Reach, Severity};

use crate::report::Distribution;
use crate::rules::{Check, Hits, Rule};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "foreign-dependency",
    category: Category::InstallHook,
    capability: None,
    severity: Severity::High,
    message: "A dependency is fetched from a server of somebody's own and not from the ecosystem.",
    why: "What such a server hands out may be another file for every visitor and every day, it runs its own install scripts, and \
          no registry, scanner or lockfile of others has seen it.",
    false_positives: "Repositories on well-known forges are MEDIUM. Vendors who left the ecosystem name a file with a version \
                      on their own server: HIGH. Only an address that names no file is CRITICAL.",
    example: include_str!("foreign_dependency/hit@package.json"),
    check: Check::Distribution(check),
};

fn check(distribution: &Distribution<'_>, hits: &mut Hits<'_>) {
    for one in &distribution.manifests.elsewhere {
        let rest = one.address.split_once("://").map_or(one.address.as_str(), |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit('@').next().unwrap_or(host).split(':').next().unwrap_or(host).to_ascii_lowercase();
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let known =
            |known: &&str| host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'));
        let git = one.address.starts_with("git");
        let names_file = [".tgz", ".tar.gz", ".whl", ".zip"].iter().any(|end| path.ends_with(end));
        let (severity, message) = match () {
            _ if FORGES.iter().any(known) => {
                (Severity::Medium, "A dependency is fetched from a code forge and not from the ecosystem.")
            }
            _ if names_file || git => (Severity::High, RULE.message),
            _ => (Severity::Critical, "A dependency is whatever a server of somebody's own hands out at an address."),
        };
        let hit = hits.hit(&format!("{}: {}", one.name, one.address)).file(one.file.clone()).line(one.line);
        hits.push(hit.severity(severity).reach(Reach::Install).message(message));
    }
}

/// Hosts of code forges and of the ecosystems themselves.
const FORGES: [&str; 9] = [
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "codeberg.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "files.pythonhosted.org",
    "pkg.pr.new",
    "esm.sh",
];
