//! The machine a project is resolved for: a Python version and a platform.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not `3.<minor>`.
    #[error("got Python version `{0}`, expected one such as 3.12")]
    Python(String),
    /// Not a known platform.
    #[error(
        "got platform `{0}`, expected one of: linux-x64, linux-arm64, macos-x64, macos-arm64, windows-x64, windows-arm64"
    )]
    Platform(String),
}

/// A Python language version, `3.12`, with an optional patch level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PythonVersion {
    /// Always 3.
    pub major: u8,
    /// The minor version.
    pub minor: u8,
    /// The patch level; 0 when none was given.
    pub patch: u8,
}

impl FromStr for PythonVersion {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Python(crate::printable(text, 40));
        let mut parts = text.split('.').map(|part| part.parse::<u8>().map_err(|_| wrong()));
        let (major, minor) = (parts.next().ok_or_else(wrong)??, parts.next().ok_or_else(wrong)??);
        let patch = parts.next().unwrap_or(Ok(0))?;
        if major != 3 || parts.next().is_some() {
            return Err(wrong());
        }
        Ok(Self { major, minor, patch })
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl TryFrom<String> for PythonVersion {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

impl From<PythonVersion> for String {
    fn from(version: PythonVersion) -> Self {
        version.to_string()
    }
}

/// An operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Os {
    /// Linux with glibc.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// x86-64.
    X64,
    /// 64-bit Arm.
    Arm64,
}

/// Operating system and architecture, written as npm and Node write them joined: `linux-x64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The architecture.
    pub arch: Arch,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = match self.os {
            Os::Linux => "linux",
            Os::Macos => "macos",
            Os::Windows => "windows",
        };
        let arch = match self.arch {
            Arch::X64 => "x64",
            Arch::Arm64 => "arm64",
        };
        write!(f, "{os}-{arch}")
    }
}

impl FromStr for Platform {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (os, arch) = match text {
            "linux-x64" => (Os::Linux, Arch::X64),
            "linux-arm64" => (Os::Linux, Arch::Arm64),
            "macos-x64" => (Os::Macos, Arch::X64),
            "macos-arm64" => (Os::Macos, Arch::Arm64),
            "windows-x64" => (Os::Windows, Arch::X64),
            "windows-arm64" => (Os::Windows, Arch::Arm64),
            other => return Err(TargetError::Platform(crate::printable(other, 40))),
        };
        Ok(Self { os, arch })
    }
}

impl TryFrom<String> for Platform {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

/// What a project is resolved for. It never looks at the machine it runs on: the same input gives the same graph
/// everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// CPython version.
    pub python: PythonVersion,
    /// Platform.
    pub platform: Platform,
}

impl Default for Target {
    /// CPython 3.12 on 64-bit Linux, what most agents run in.
    fn default() -> Self {
        Self {
            python: PythonVersion { major: 3, minor: 12, patch: 0 },
            platform: Platform { os: Os::Linux, arch: Arch::X64 },
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Python {}.{} on {}", self.python.major, self.python.minor, self.platform)
    }
}
