//! Where packages publish the programs that belong to them.

use crate::facts::Facts;

/// Hosts of package indexes, forges and vendors from which installers fetch what they publish there. Ends of host names.
/// Places where anybody can put a file in a minute (pastes, file drops, chat attachments, raw files of a forge) are not
/// among them.
const HOSTS: &[&str] = &[
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "registry.npmmirror.com",
    "cdn.npmmirror.com",
    "pypi.org",
    "pypi.python.org",
    "files.pythonhosted.org",
    "github.com",
    "api.github.com",
    "objects.githubusercontent.com",
    "gitlab.com",
    "nodejs.org",
    "python.org",
    "electronjs.org",
    "playwright.dev",
    "playwright.azureedge.net",
    "storage.googleapis.com",
    "googlechromelabs.github.io",
    "dl.google.com",
    "cypress.io",
    "sentry-cdn.com",
    "downloads.sentry-cdn.com",
    "prisma.sh",
    "amazonaws.com",
    "cloudfront.net",
    "microsoft.com",
    "windows.net",
    "mozilla.org",
    "mozilla.net",
    "apache.org",
    "maven.org",
    "golang.org",
    "rust-lang.org",
    "crates.io",
    "sourceforge.net",
    "anaconda.org",
    "conda.io",
    "localhost",
];

/// True for a host of a package index, a forge or a vendor of programs.
pub(super) fn is_release_host(host: &str) -> bool {
    HOSTS.iter().any(|known| host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

/// True when the texts of a file name addresses, and all of them lie where programs are published.
pub(super) fn names_only_released(facts: &Facts<'_>) -> bool {
    let mut named = facts.addresses.iter().peekable();
    named.peek().is_some() && named.all(|host| is_release_host(host))
}

/// True when a file names hosts in its network calls, and all of them publish programs.
pub(super) fn all_released(facts: &Facts<'_>) -> bool {
    let hosts = crate::report::hosts(facts);
    !hosts.is_empty() && hosts.iter().all(|host| is_release_host(host))
}
