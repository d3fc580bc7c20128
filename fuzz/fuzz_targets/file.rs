//! One file of a distribution, whatever it is, goes the whole way: readers of manifests and binaries, rules, report.
//! The same bytes give the same report.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sigma_analysis::{Analyser, Limits};
use sigma_core::{Digests, DistributionKind, PackageId, Sha1, Sha256, Sha512};

const FILES: [(DistributionKind, &str); 16] = [
    (DistributionKind::NpmTarball, "package/package.json"),
    (DistributionKind::NpmTarball, "package/binding.gyp"),
    (DistributionKind::NpmTarball, "package/index.js"),
    (DistributionKind::NpmTarball, "package/README.md"),
    (DistributionKind::NpmTarball, "package/data.json"),
    (DistributionKind::NpmTarball, "package/run.sh"),
    (DistributionKind::Wheel, "a-1.dist-info/METADATA"),
    (DistributionKind::Wheel, "a-1.dist-info/entry_points.txt"),
    (DistributionKind::Wheel, "a.pth"),
    (DistributionKind::Wheel, "a/__init__.py"),
    (DistributionKind::Wheel, "a/__pycache__/a.pyc"),
    (DistributionKind::Wheel, "a/a.so"),
    (DistributionKind::Sdist, "a-1/setup.py"),
    (DistributionKind::Sdist, "a-1/setup.cfg"),
    (DistributionKind::Sdist, "a-1/pyproject.toml"),
    (DistributionKind::Sdist, "a-1/PKG-INFO"),
];

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (kind, path) = FILES[usize::from(*choice) % FILES.len()];
    let package: PackageId = "pypi:a@1".parse().expect("an id");
    let digests = Digests {
        sha256: Sha256::from_bytes([0; 32]),
        sha512: Sha512::from_bytes([0; 64]),
        sha1: Sha1::from_bytes([0; 20]),
        size: 0,
    };
    let run = || {
        let analyser = Analyser::new(Limits::default());
        analyser.analyse_files(Some(&package), kind, "a", digests.clone(), &[(path, bytes)])
    };
    let first = run();
    assert_eq!(first.files.files.len(), 1);
    assert_eq!(first, run());
});
