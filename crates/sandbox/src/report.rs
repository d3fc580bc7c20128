//! From what was seen to the report: flags, and a description in plain language. Both say what the counts say, no more.

mod describe;
mod flags;

use std::collections::{BTreeMap, BTreeSet};

use sigma_core::{Bounded, Execution, ExecutionStatus, Exercise, NetworkAttempt, SandboxTier, SpawnAttempt, Usage};

pub use flags::risk_flags;

/// All that was seen in a run.
pub struct Seen {
    pub tier: SandboxTier,
    /// Why it was not the tier above.
    pub lower: Option<String>,
    pub interpreter: String,
    pub exercises: Vec<Exercise>,
    pub functions_reached: u64,
    pub functions_total: Option<u64>,
    pub network: Bounded<NetworkAttempt>,
    pub spawns: Bounded<SpawnAttempt>,
    pub writes: Bounded<String>,
    pub refused: BTreeMap<String, u64>,
    pub canaries_read: BTreeSet<String>,
    /// Name of the mock secret, ways by which it was about to leave.
    pub canaries_leaked: BTreeMap<String, BTreeSet<&'static str>>,
    pub canaries_printed: BTreeSet<String>,
    pub output: String,
    pub usage: Usage,
    /// Connections that were encrypted.
    pub encrypted: u64,
    pub started_from_memory: bool,
    pub memory_hit: bool,
    /// Whether it was ended because its files grew too large.
    pub disk_hit: bool,
    /// Whether something still ran at its limit of time.
    pub late: bool,
    /// Processes that went on after the program's end.
    pub left_behind: u64,
    /// Whether something that the harness did not say came on its channel.
    pub forged: bool,
    /// Where the code may write.
    pub home: String,
    pub temporary: String,
    pub declared_hosts: Vec<String>,
}

/// The finished report.
pub fn execution(seen: Seen) -> Execution {
    let flags = flags::flags(&seen);
    let description = describe::describe(&seen);
    Execution {
        status: ExecutionStatus::Completed,
        tier: Some(seen.tier),
        interpreter: Some(seen.interpreter),
        exercises: seen.exercises,
        functions_reached: seen.functions_reached,
        functions_total: seen.functions_total,
        network: seen.network,
        spawns: seen.spawns,
        writes: seen.writes,
        refused: seen.refused,
        canaries_read: seen.canaries_read,
        canaries_leaked: seen.canaries_leaked.into_keys().collect(),
        output: seen.output,
        usage: seen.usage,
        flags,
        description,
        harness: None,
    }
}

/// How a program ended, by the status that `wait` gives.
pub fn outcome(status: i32) -> String {
    match (status & 0x7f, status >> 8 & 0xff) {
        (0, code) => format!("exit {code}"),
        (signal, _) => format!("signal {signal}"),
    }
}
