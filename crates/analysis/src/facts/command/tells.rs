//! Phrases of command lines that tell what a line does, wherever they stand in it.
//!
//! One automaton reads the text once; what it finds is judged line by line, so that time is linear whatever the text.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::facts::bits::Deeds;

/// Small sets of phrases, as bits.
mod tell {
    pub const FETCH: u32 = 1;
    pub const RUN: u32 = 1 << 1;
    pub const DECODE: u32 = 1 << 2;
    pub const CLIENT: u32 = 1 << 3;
    pub const STREAM: u32 = 1 << 4;
    pub const DEVICE: u32 = 1 << 5;
    pub const SHELL: u32 = 1 << 6;
    pub const PREFERENCE: u32 = 1 << 7;
    pub const DISABLE: u32 = 1 << 8;
    pub const AMSI: u32 = 1 << 9;
    pub const RUN_KEY: u32 = 1 << 10;
    pub const SET: u32 = 1 << 11;
    pub const TASK: u32 = 1 << 12;
    pub const HIDDEN: u32 = 1 << 13;
    pub const MINER: u32 = 1 << 14;
    pub const BOMB: u32 = 1 << 15;
    pub const START: u32 = 1 << 16;
    pub const SHADOWS: u32 = 1 << 17;
    pub const LOOKUP: u32 = 1 << 18;
    pub const MACHINE: u32 = 1 << 19;
}

/// A phrase, whether letters may stand beside it, and what it tells.
const PHRASES: &[(&str, bool, u32)] = &[
    ("downloadstring", true, tell::FETCH),
    ("downloadfile", true, tell::FETCH),
    ("downloaddata", true, tell::FETCH),
    ("invoke-webrequest", true, tell::FETCH),
    ("invoke-restmethod", true, tell::FETCH),
    ("start-bitstransfer", true, tell::FETCH),
    ("iwr", false, tell::FETCH),
    ("irm", false, tell::FETCH),
    ("iex", false, tell::RUN),
    ("invoke-expression", true, tell::RUN),
    ("[scriptblock]::create", true, tell::RUN),
    ("[reflection.assembly]::load", true, tell::RUN),
    ("[system.reflection.assembly]::load", true, tell::RUN),
    ("start-process", true, tell::START),
    ("invoke-item", true, tell::START),
    ("frombase64string", true, tell::DECODE),
    ("sockets.tcpclient", true, tell::CLIENT),
    ("getstream()", true, tell::STREAM),
    ("/dev/tcp/", true, tell::DEVICE),
    ("/dev/udp/", true, tell::DEVICE),
    ("sh -i", true, tell::SHELL),
    ("0>&1", true, tell::SHELL),
    ("<&1", true, tell::SHELL),
    ("exec 5<>", true, tell::SHELL),
    ("exec 3<>", true, tell::SHELL),
    ("bash -c", true, tell::SHELL),
    ("set-mppreference", true, tell::PREFERENCE),
    ("add-mppreference", true, tell::PREFERENCE),
    ("-disable", true, tell::DISABLE),
    ("-exclusion", true, tell::DISABLE),
    ("amsiinitfailed", true, tell::AMSI),
    ("amsiscanbuffer", true, tell::AMSI),
    ("amsiutils", true, tell::AMSI),
    ("etweventwrite", true, tell::AMSI),
    ("disableantispyware", true, tell::AMSI),
    ("disablerealtimemonitoring", true, tell::AMSI),
    ("currentversion\\run", true, tell::RUN_KEY),
    ("set-itemproperty", true, tell::SET),
    ("new-itemproperty", true, tell::SET),
    ("reg add", true, tell::SET),
    ("register-scheduledtask", true, tell::TASK),
    ("-windowstyle hidden", true, tell::HIDDEN),
    ("-windowstyle h ", true, tell::HIDDEN),
    ("-w hidden", true, tell::HIDDEN),
    ("stratum+tcp://", true, tell::MINER),
    ("stratum+ssl://", true, tell::MINER),
    ("--donate-level", true, tell::MINER),
    (":(){ :|:", true, tell::BOMB),
    (":(){:|:", true, tell::BOMB),
    ("%0|%0", true, tell::BOMB),
    ("--no-preserve-root", true, tell::BOMB),
    ("delete shadows", true, tell::SHADOWS),
    ("shadowcopy delete", true, tell::SHADOWS),
    ("nslookup $", true, tell::LOOKUP),
    ("nslookup %", true, tell::LOOKUP),
    ("nslookup \"$", true, tell::LOOKUP),
    ("dig $", true, tell::LOOKUP),
    ("dig +short $", true, tell::LOOKUP),
    ("host $", true, tell::LOOKUP),
    ("ping -c 1 $", true, tell::LOOKUP),
    ("$(hostname", true, tell::MACHINE),
    ("`hostname`", true, tell::MACHINE),
    ("$(whoami", true, tell::MACHINE),
    ("`whoami`", true, tell::MACHINE),
    ("$(pwd)", true, tell::MACHINE),
    ("%computername%", true, tell::MACHINE),
    ("%username%", true, tell::MACHINE),
];

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let builder = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(PHRASES.iter().map(|(phrase, _, _)| phrase));
    builder.ok()
});

/// What a text does as one line.
pub(super) fn of_text(text: &str) -> Deeds {
    let mut tells = 0;
    each(text, |_, tell| tells |= tell);
    judge(tells)
}

/// What each line of a script does.
pub(super) fn of_lines(script: &str, found: &mut impl FnMut(Deeds, usize, usize)) {
    let bytes = script.as_bytes();
    let (mut start, mut end, mut tells) = (0, 0, 0);
    let mut close = |start: usize, end: usize, tells: u32| {
        let deeds = judge(tells);
        if !deeds.is_empty() {
            found(deeds, start, end);
        }
    };
    each(script, |at, tell| {
        if at >= end {
            close(start, end, tells);
            tells = 0;
            start = memchr::memrchr(b'\n', &bytes[end.min(at)..at]).map_or(end.min(at), |line| end.min(at) + line + 1);
            end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        }
        tells |= tell;
    });
    close(start, end, tells);
}

fn each(text: &str, mut found: impl FnMut(usize, u32)) {
    let bytes = text.as_bytes();
    let letter =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    for hit in FINDER.iter().flat_map(|finder| finder.find_iter(text)) {
        let (_, part, tell) = PHRASES[hit.pattern().as_usize()];
        let before = hit.start().checked_sub(1).and_then(|at| bytes.get(at));
        if part || !(letter(before) || letter(bytes.get(hit.end()))) {
            found(hit.start(), tell);
        }
    }
}

fn judge(tells: u32) -> Deeds {
    use tell::*;
    let all = |needed: u32| tells & needed == needed;
    let mut deeds = Deeds::NONE;
    for (needed, deed) in [
        (FETCH, Deeds::FETCHES),
        (FETCH | RUN, Deeds::RUNS_DOWNLOAD),
        (FETCH | START, Deeds::RUNS_DOWNLOAD),
        (DECODE | RUN, Deeds::ENCODED),
        (CLIENT | STREAM, Deeds::REMOTE_SHELL),
        (CLIENT | RUN, Deeds::REMOTE_SHELL),
        (DEVICE | SHELL, Deeds::REMOTE_SHELL),
        (PREFERENCE | DISABLE, Deeds::DISARMS),
        (AMSI, Deeds::DISARMS),
        (RUN_KEY | SET, Deeds::PERSISTS),
        (TASK, Deeds::PERSISTS),
        (HIDDEN, Deeds::HIDDEN),
        (MINER, Deeds::MINES),
        (BOMB, Deeds::DESTROYS),
        (SHADOWS, Deeds::DESTROYS),
        (LOOKUP | MACHINE, Deeds::SENDS_NAME),
    ] {
        if all(needed) {
            deeds |= deed;
        }
    }
    deeds
}
