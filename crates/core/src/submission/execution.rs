//! What submitted code did when it ran in isolation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{ModelSeat, Severity, Sha256};

/// How isolated a run was. It never falls back silently: the one that was used stands in the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SandboxTier {
    /// Own namespaces for users, processes, mounts, network; Landlock; system calls filtered and recorded.
    Namespaces,
    /// No namespaces to be had: Landlock, and system calls filtered and recorded. Nothing can leave either.
    Filtered,
}

/// Whether it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "status")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ExecutionStatus {
    /// Every exercise was started and came to an end, or was ended at its limit.
    Completed,
    /// It was not run.
    Skipped {
        /// Why, in a sentence.
        reason: String,
    },
    /// It could not be run, or not to an end that tells anything.
    Error {
        /// Why, in a sentence.
        reason: String,
    },
}

/// The first entries of a list, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounded<T> {
    /// How many there were, counted exactly: a floor where a program hides what it does from its observer.
    pub total: u64,
    /// The first of them that differ.
    pub listed: Vec<T>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { total: 0, listed: Vec::new() }
    }
}

/// An attempt to reach the network. None succeeded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetworkAttempt {
    /// `tcp`, `udp`, `dns`, `raw`, `netlink`, `vsock` and the like.
    pub protocol: String,
    /// Address and port, or the name that was looked up, printable; nothing where it could not be seen.
    pub destination: Option<String>,
    /// The name behind the address, where it was looked up in the sandbox before.
    pub host: Option<String>,
    /// How often.
    pub count: u64,
}

/// An attempt to start a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SpawnAttempt {
    /// The program, printable.
    pub program: String,
    /// Its arguments, printable and bounded.
    pub arguments: Vec<String>,
    /// How often.
    pub count: u64,
}

/// Something in a run that deserves attention.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RiskFlag {
    /// How much it matters.
    pub severity: Severity,
    /// Its stable code: `canary-leaked`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// One way in which the code was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Exercise {
    /// What was done: `started without arguments`, `called add(2, 3)`, `called the tool search`.
    pub what: String,
    /// How it ended: `exit 0`, `signal 9`, `still running at the limit`, `answered`.
    pub outcome: String,
}

/// What a run used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Wall clock, milliseconds.
    pub wall_ms: u64,
    /// Processor time, milliseconds.
    pub cpu_ms: u64,
    /// Peak memory in bytes; nothing where it cannot be told.
    pub peak_memory: Option<u64>,
    /// Processes and threads that were made; nothing where they cannot be counted exactly.
    pub tasks: Option<u64>,
    /// Bytes written to standard output and error.
    pub output_bytes: u64,
}

/// A second run, by a harness that a model wrote; or why there was none. What it shows is of the harness and the code together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelHarness {
    /// The model, and what it was asked.
    pub author: ModelSeat,
    /// Why the generated harness was the only one; nothing where this one ran.
    pub fallback: Option<String>,
    /// SHA-256 of the harness's source, which is in the model's stored answer.
    pub source_sha256: Option<Sha256>,
    /// What was seen when it ran.
    pub run: Option<Execution>,
}

/// The whole of what is known about running the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Whether it ran.
    pub status: ExecutionStatus,
    /// How isolated it was; nothing where it did not run.
    pub tier: Option<SandboxTier>,
    /// The interpreter, such as `Python 3.13.5`.
    pub interpreter: Option<String>,
    /// How the code was used.
    pub exercises: Vec<Exercise>,
    /// Functions of the submission that ran.
    pub functions_reached: u64,
    /// Functions that it has, where that can be told.
    pub functions_total: Option<u64>,
    /// Attempts to reach the network.
    pub network: Bounded<NetworkAttempt>,
    /// Attempts to start programs.
    pub spawns: Bounded<SpawnAttempt>,
    /// Files written, created, changed or removed, by path.
    pub writes: Bounded<String>,
    /// Privileged or unusual system calls that were refused, and how often.
    pub refused: BTreeMap<String, u64>,
    /// Mock environment variables and mock credential files that were read, where that can be told.
    pub canaries_read: BTreeSet<String>,
    /// Mock secrets whose value was seen in what the code tried to send, start or write outside.
    pub canaries_leaked: BTreeSet<String>,
    /// The first part of standard output and error, each line printable.
    pub output: String,
    /// What it used.
    pub usage: Usage,
    /// What deserves attention, most serious first.
    pub flags: Vec<RiskFlag>,
    /// What the code did, in plain language, written from the recorded events.
    pub description: String,
    /// The run by a harness that a model wrote, beside this one; nothing where no model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<Box<ModelHarness>>,
}

impl Execution {
    /// A run that did not happen.
    pub fn skipped(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            description: format!("The code was not run: {reason}."),
            status: ExecutionStatus::Skipped { reason },
            tier: None,
            interpreter: None,
            exercises: Vec::new(),
            functions_reached: 0,
            functions_total: None,
            network: Bounded::default(),
            spawns: Bounded::default(),
            writes: Bounded::default(),
            refused: BTreeMap::new(),
            canaries_read: BTreeSet::new(),
            canaries_leaked: BTreeSet::new(),
            output: String::new(),
            usage: Usage::default(),
            flags: Vec::new(),
            harness: None,
        }
    }

    /// A run that failed for a reason of ours.
    pub fn failed(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self {
            description: format!("The code could not be run: {reason}."),
            status: ExecutionStatus::Error { reason },
            ..Self::skipped("")
        }
    }
}
