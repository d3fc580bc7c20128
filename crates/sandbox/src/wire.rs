//! What the client asks and the supervisor answers: plain types, JSON in and JSON out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sigma_core::{CodeLanguage, Execution};

use crate::Interpreter;

/// The version of requests and responses. A supervisor answers no other.
pub const PROTOCOL: u32 = 1;

/// One question to a supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What to run.
    pub job: Job,
    /// What runs it.
    pub interpreter: Interpreter,
    /// How much it may use.
    pub limits: Limits,
    /// Which isolation is wanted.
    pub tier: Tier,
    /// Further folders of the host that the interpreter needs, bound read-only at their own path, such as `/nix/store`.
    pub read_only: Vec<PathBuf>,
    /// A cgroup (version 2) of ours in which the run gets its own; without it, the one that systemd delegated to the
    /// supervisor's unit (`Delegate=`), if it did.
    pub cgroup: Option<PathBuf>,
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Response {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What happened.
    pub execution: Execution,
}

/// Which isolation is wanted. `Auto` takes the best that is to be had, and the result says which it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Namespaces where they are to be had, else filtered.
    #[default]
    Auto,
    /// Namespaces or nothing.
    Namespaces,
    /// Without namespaces.
    Filtered,
}

/// What to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Job {
    /// The language of the entry point.
    pub language: CodeLanguage,
    /// The files under review.
    pub code: Code,
    /// Where to begin: a path relative to the code's folder, with forward slashes.
    pub entry: String,
    /// What kind of program it is.
    #[serde(default)]
    pub kind: Kind,
    /// A folder of installed dependencies, mounted read-only: what would be `site-packages` or `node_modules`.
    #[serde(default)]
    pub dependencies: Option<PathBuf>,
    /// Hosts that the developer declares; attempts to reach them or hosts below them are no surprise.
    #[serde(default)]
    pub declared_hosts: Vec<String>,
    /// Arguments of the starts of a command-line program, one list a start, instead of the samples.
    #[serde(default)]
    pub arguments: Option<Vec<Vec<String>>>,
    /// The text of a program that exercises the code instead of the generated exercises. It is run in the sandbox like
    /// the code itself, in the code's folder, with the entry point as its only argument.
    #[serde(default)]
    pub harness: Option<String>,
}

/// The files under review.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, tag = "from")]
pub enum Code {
    /// Handed over with the request.
    #[serde(rename = "files")]
    Files {
        /// Each with its path.
        files: Vec<File>,
    },
    /// A folder of this machine, bound read-only. It must be readable by others when the supervisor runs as root.
    #[serde(rename = "folder")]
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
}

/// One file of the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path relative to the code's folder, with forward slashes.
    pub path: String,
    /// Its bytes; base64 in JSON.
    #[serde(with = "base64")]
    pub bytes: Vec<u8>,
}

/// What kind of program it is, which decides how it is exercised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Told from the text of the code.
    #[default]
    Auto,
    /// Started with arguments.
    Cli,
    /// Imported, its public functions called.
    Module,
    /// Spoken to over standard input and output: Model Context Protocol.
    McpServer,
    /// Driven in-process with HTTP requests.
    HttpHandler,
}

/// How much a run may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Wall clock of all exercises together, milliseconds. Then everything is killed.
    pub wall_ms: u64,
    /// Memory of all its processes together, bytes.
    pub memory: u64,
    /// Processes and threads at one time.
    pub tasks: u64,
    /// Files in the writable folders together, bytes. They count as memory of the host too.
    pub disk: u64,
    /// The largest single file, bytes; also bounds what a memory file may hold.
    pub file: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Standard output and error that is kept, bytes. More is counted and dropped.
    pub output: u64,
    /// Entries of each list that are kept. More are counted.
    pub listed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The time that the certificate names; generous for tools, short for servers that never end.
            wall_ms: 30_000,
            // Node starts with about 50 MB, numpy with 40.
            memory: 512 << 20,
            // A Node process has about a dozen threads; a pool of ten processes still fits.
            tasks: 160,
            disk: 64 << 20,
            file: 32 << 20,
            open_files: 512,
            output: 16 << 10,
            listed: 100,
        }
    }
}

/// What a supervisor is asked before there is anything to run: which interpreters it has. The answer is a [`Known`].
pub(crate) const INQUIRY: &[u8] = br#"{"protocol":1,"tell":"interpreters"}"#;

/// What a supervisor has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The interpreters where it runs.
    pub interpreters: Interpreters,
}

/// The interpreters of this machine, by language.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interpreters {
    /// For Python.
    pub python: Option<Interpreter>,
    /// For Node.js.
    pub node: Option<Interpreter>,
}

mod base64 {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
