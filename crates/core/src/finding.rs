//! Facts about code: what a rule saw, where, and when it would run.

use serde::{Deserialize, Serialize};

/// How much a fact matters on its own, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Severity {
    /// Worth knowing: what the code is able to do.
    Info,
    /// Unusual, seldom a concern.
    Low,
    /// Deserves a look.
    Medium,
    /// Rarely innocent.
    High,
    /// Not innocent in a published package.
    Critical,
}

/// How sure the rule is of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A token scan or a name that may mean something else.
    Low,
    /// Resolved through imports, parts of it unknown.
    Medium,
    /// Resolved completely.
    High,
}

/// What a fact is about: the categories of the specification, and what protects them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Modules that are imported.
    Import,
    /// Processes and shells that are started.
    Process,
    /// Environment variables, credential files and other secrets of the user that are read.
    Credential,
    /// Network calls, with the static host where there is one.
    Network,
    /// Files read or written.
    Filesystem,
    /// Secrets that the package itself contains.
    Secret,
    /// Code made at run time: eval, exec, decoded payloads.
    DynamicCode,
    /// Code that hides what it is.
    Obfuscation,
    /// Code that runs when the package is installed.
    InstallHook,
    /// Native or compiled files.
    Binary,
    /// The archive's own structure.
    Archive,
    /// Names, authors, provenance.
    Identity,
    /// Digests and sizes that do not agree.
    Integrity,
}

/// Something the code is able to do. A set of these is what changes between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Capability {
    /// Starts processes.
    Process,
    /// Starts processes through a shell.
    Shell,
    /// Opens connections to others.
    NetworkClient,
    /// Listens for connections.
    NetworkServer,
    /// Reads environment variables.
    Environment,
    /// Reads credential files or stores.
    Credentials,
    /// Reads files.
    FileRead,
    /// Writes, moves or deletes files.
    FileWrite,
    /// Runs code made at run time.
    DynamicCode,
    /// Loads native code, or contains it.
    NativeCode,
    /// Deserialises objects that can run code.
    Deserialisation,
    /// Runs code when it is installed.
    InstallHook,
}

impl Capability {
    /// The word of the public API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Shell => "shell",
            Self::NetworkClient => "network-client",
            Self::NetworkServer => "network-server",
            Self::Environment => "environment",
            Self::Credentials => "credentials",
            Self::FileRead => "file-read",
            Self::FileWrite => "file-write",
            Self::DynamicCode => "dynamic-code",
            Self::NativeCode => "native-code",
            Self::Deserialisation => "deserialisation",
            Self::InstallHook => "install-hook",
        }
    }
}

/// When the code in question would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// In tests, examples or documentation, which nothing in the package runs.
    Test,
    /// In a function or file that runs only when something calls it.
    Call,
    /// When a console entry point or `bin` script is started.
    EntryPoint,
    /// When a module of the package is imported.
    Import,
    /// When the package is installed, or (`.pth`) whenever the interpreter starts.
    Install,
}

/// One fact about the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id, which is its file's name: `python-shell`.
    pub rule: String,
    /// What it is about.
    pub category: Category,
    /// The capability it proves, if any.
    pub capability: Option<Capability>,
    /// How much it matters on its own.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// When the code would run.
    pub reach: Reach,
    /// Path inside the distribution, printable; members of nested archives as `outer.zip!/inner.py`.
    pub file: String,
    /// Line counted from 1; 0 when the fact is about the whole file.
    pub line: u32,
    /// The piece of source or the value seen, printable and at most 160 characters.
    pub evidence: String,
    /// A sentence that says what it means.
    pub message: String,
    /// Whether the declared entry point of a submission reaches it, over imports and calls. Nothing where none was
    /// declared, and for what is no code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}
