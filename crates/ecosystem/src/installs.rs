//! What of a lockfile an installer takes on a target, without asking anybody: markers, and npm's `os`, `cpu` and `libc`.

use sigma_core::{Ecosystem, LockedEdge, LockedPackage, Manifest, ManifestSource, Target};

use crate::ResolveError;

/// For each package of a lockfile, or each declaration of a manifest, whether it is installed on a target. What cannot be
/// judged is: rather one package too many looked at than one too few.
///
/// # Errors
/// When there is no such target.
pub fn installs(manifest: &Manifest, target: &Target) -> Result<Vec<bool>, ResolveError> {
    let holds = crate::pypi::markers(target)?;
    let (packages, edges) = match &manifest.source {
        ManifestSource::Locked { packages, edges } => (packages, edges),
        ManifestSource::Ranges { .. } => {
            return Ok(manifest.declared.iter().map(|declared| holds(declared.marker.as_deref())).collect());
        }
    };
    let kept = |package: &LockedPackage| match manifest.ecosystem {
        Ecosystem::Pypi => holds(package.marker.as_deref()),
        // One that is needed and does not suit is an error of npm's, not a package less.
        Ecosystem::Npm => !package.optional || crate::npm::suits(package, target.platform),
    };
    let kept: Vec<bool> = packages.iter().map(kept).collect();
    let live: Vec<&LockedEdge> = edges
        .iter()
        .filter(|edge| {
            let from = edge.from.is_none_or(|from| kept.get(from) == Some(&true));
            from && kept.get(edge.to) == Some(&true) && holds(edge.marker.as_deref())
        })
        .collect();
    Ok(crate::pypi::reached(packages.len(), &live))
}

#[cfg(test)]
mod tests {
    use sigma_core::Target;

    use super::installs;
    use crate::manifest::{ReadOptions, read};

    fn check(name: &str, text: &str, platform: &str, expect: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let manifest = read(&path, &ReadOptions::default()).unwrap().manifests.remove(0);
        let target = Target { platform: platform.parse().unwrap(), ..Target::default() };
        let installed = installs(&manifest, &target).unwrap();
        let names: Vec<String> = match &manifest.source {
            sigma_core::ManifestSource::Locked { packages, .. } => {
                packages.iter().map(|one| one.id.to_string()).collect()
            }
            sigma_core::ManifestSource::Ranges { .. } => {
                manifest.declared.iter().map(|one| one.name.to_string()).collect()
            }
        };
        let got: Vec<&str> = names.iter().zip(installed).filter(|(_, on)| *on).map(|(name, _)| name.as_str()).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn the_target_decides() {
        let lock = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1.0.0"}},
            "node_modules/a":{"version":"1.0.0","optionalDependencies":{"b-darwin":"1.0.0","b-linux":"1.0.0"}},
            "node_modules/b-darwin":{"version":"1.0.0","optional":true,"os":["darwin"],"dependencies":{"c":"1.0.0"}},
            "node_modules/b-linux":{"version":"1.0.0","optional":true,"os":["linux"]},
            "node_modules/c":{"version":"1.0.0","optional":true}}}"#;
        check("package-lock.json", lock, "linux-x64", &["npm:a@1.0.0", "npm:b-linux@1.0.0"]);
        check("package-lock.json", lock, "macos-arm64", &["npm:a@1.0.0", "npm:b-darwin@1.0.0", "npm:c@1.0.0"]);
        let lines = "a==1.0\nb==1.0 ; sys_platform == 'win32'\n";
        check("requirements.txt", lines, "linux-x64", &["a"]);
        check("requirements.txt", lines, "windows-x64", &["a", "b"]);
    }
}
