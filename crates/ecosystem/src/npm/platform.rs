//! `os`, `cpu` and `libc`: whether npm installs a package on the target (npm-install-checks).

use sigma_core::{Arch, LockedPackage, Os, Platform};

use super::packument::Published;

/// Why the target does not get the package, such as `os darwin`; `None` when it does.
pub(super) fn unsuitable(published: &Published, platform: Platform) -> Option<String> {
    let os = match platform.os {
        Os::Linux => "linux",
        Os::Macos => "darwin",
        Os::Windows => "win32",
    };
    let cpu = match platform.arch {
        Arch::X64 => "x64",
        Arch::Arm64 => "arm64",
    };
    let libc = if platform.os == Os::Linux { "glibc" } else { "" };
    [("os", os, &published.os), ("cpu", cpu, &published.cpu), ("libc", libc, &published.libc)]
        .into_iter()
        .find(|(_, own, list)| !list.is_empty() && (own.is_empty() || !allows(own, list)))
        .map(|(what, _, list)| format!("{what} {}", sigma_core::printable(&list.join(", "), 120)))
}

/// Whether the target gets a package of a lockfile.
pub(crate) fn suits(package: &LockedPackage, platform: Platform) -> bool {
    let (os, cpu, libc) = (package.os.clone(), package.cpu.clone(), package.libc.clone());
    unsuitable(&Published { os, cpu, libc, ..Published::default() }, platform).is_none()
}

/// None of the negated entries, and one of the others where there are any.
fn allows(own: &str, list: &[String]) -> bool {
    if list == ["any"] {
        return true;
    }
    let negated = list.iter().filter_map(|entry| entry.strip_prefix('!'));
    if negated.clone().any(|entry| entry == own) {
        return false;
    }
    negated.count() == list.len() || list.iter().any(|entry| entry == own)
}

#[cfg(test)]
mod tests {
    use super::super::packument::Published;
    use super::unsuitable;

    fn check(os: &[&str], cpu: &[&str], libc: &[&str], target: &str, expect: Option<&str>) {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let published = Published { os: list(os), cpu: list(cpu), libc: list(libc), ..Published::default() };
        assert_eq!(unsuitable(&published, target.parse().unwrap()).as_deref(), expect);
    }

    #[test]
    fn the_target_decides() {
        check(&[], &[], &[], "linux-x64", None);
        check(&["darwin"], &["arm64"], &[], "macos-arm64", None);
        check(&["darwin", "win32"], &[], &[], "linux-x64", Some("os darwin, win32"));
        check(&["linux"], &["arm64"], &[], "linux-x64", Some("cpu arm64"));
        check(&["linux"], &["x64"], &["musl"], "linux-x64", Some("libc musl"));
        check(&[], &[], &["glibc"], "macos-x64", Some("libc glibc"));
        check(&["!win32"], &[], &[], "linux-x64", None);
        check(&["!win32"], &[], &[], "windows-x64", Some("os !win32"));
        check(&["any"], &[], &[], "windows-x64", None);
    }
}
