//! From a target to what uv calls an environment: markers, wheel tags, the Python requirement.
//!
//! In: a [`Target`]. Out: an [`Environment`]. It must never look at the machine it runs on (uv's own defaults read
//! `MACOSX_DEPLOYMENT_TARGET` and an installed interpreter).

use std::str::FromStr as _;

use sigma_core::{Arch, Os, Target};
use uv_configuration::TargetTriple;
use uv_distribution_types::RequiresPython;
use uv_pep508::{MarkerEnvironment, MarkerEnvironmentBuilder};
use uv_platform_tags::{Arch as TagArch, Os as TagOs, Platform, Tags, TagsOptions};
use uv_python::PythonVersion;
use uv_resolver::PythonRequirement;

use crate::ResolveError;

/// A target in uv's terms.
pub(super) struct Environment {
    /// As the user knows it.
    pub target: Target,
    /// What PEP 508 markers are evaluated against.
    pub markers: MarkerEnvironment,
    /// The wheel tags that the target accepts, best first.
    pub tags: Tags,
    /// What `requires-python` is compared with.
    pub requires_python: RequiresPython,
}

impl Environment {
    /// The environment that `uv --python-version <x.y> --python-platform <platform>` resolves for.
    pub fn new(target: &Target) -> Result<Self, ResolveError> {
        let failed = |what: &str| ResolveError::Resolver(format!("the target {target} has no {what}"));
        let python = target.python;
        // uv keeps "3.12" and "3.12.0" apart only in the text of `python_full_version`.
        let text = match python.patch {
            0 => format!("{}.{}", python.major, python.minor),
            patch => format!("{}.{}.{patch}", python.major, python.minor),
        };
        let version = PythonVersion::from_str(&text).map_err(|_| failed("such Python version"))?;
        let base = MarkerEnvironment::try_from(MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &text,
            os_name: "posix",
            platform_machine: "x86_64",
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: "Linux",
            platform_version: "",
            python_full_version: &text,
            python_version: &text,
            sys_platform: "linux",
        })
        .map_err(|_| failed("markers"))?;
        let triple = triple(target);
        let markers = triple.markers(version.markers(base));
        let options = TagsOptions {
            manylinux_compatible: triple.manylinux_compatible(),
            gil_disabled: false,
            debug_enabled: false,
            is_cross: true,
        };
        let short = (python.major, python.minor);
        let tags =
            Tags::from_env(platform(target), short, "cpython", short, options).map_err(|_| failed("wheel tags"))?;
        let requires_python = RequiresPython::greater_than_equal_version(&version.python_full_version());
        Ok(Self { target: *target, markers, tags, requires_python })
    }

    /// What the resolver compares `requires-python` with.
    pub fn python_requirement(&self) -> PythonRequirement {
        PythonRequirement::from_marker_environment(&self.markers, self.requires_python.clone())
    }
}

fn triple(target: &Target) -> TargetTriple {
    match (target.platform.os, target.platform.arch) {
        (Os::Linux, Arch::X64) => TargetTriple::X8664UnknownLinuxGnu,
        (Os::Linux, Arch::Arm64) => TargetTriple::Aarch64UnknownLinuxGnu,
        (Os::Macos, Arch::X64) => TargetTriple::X8664AppleDarwin,
        (Os::Macos, Arch::Arm64) => TargetTriple::Aarch64AppleDarwin,
        (Os::Windows, Arch::X64) => TargetTriple::X8664PcWindowsMsvc,
        (Os::Windows, Arch::Arm64) => TargetTriple::Aarch64PcWindowsMsvc,
    }
}

/// uv's platforms for these triples: glibc 2.28, macOS 13.0. Spelt out, because uv reads macOS' from the environment.
fn platform(target: &Target) -> Platform {
    let os = match target.platform.os {
        Os::Linux => TagOs::Manylinux { major: 2, minor: 28 },
        Os::Macos => TagOs::Macos { major: 13, minor: 0 },
        Os::Windows => TagOs::Windows,
    };
    let arch = match target.platform.arch {
        Arch::X64 => TagArch::X86_64,
        Arch::Arm64 => TagArch::Aarch64,
    };
    Platform::new(os, arch)
}
