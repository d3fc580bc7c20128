//! What was seen: counted exactly, listed up to a bound, so that a flood costs a counter.
//!
//! Everything that comes in is made printable here; nothing else of it is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use sigma_core::{Bounded, NetworkAttempt, SpawnAttempt, printable};

use crate::canary::Canaries;

/// The longest path, name or argument that is kept, characters.
const TEXT: usize = 200;
/// Arguments of a program that are kept.
const ARGUMENTS: usize = 16;
/// Names of refused calls that are kept apart.
const KINDS: usize = 100;

/// Counts by key; the first keys are kept.
struct Tally<K> {
    total: u64,
    counts: HashMap<K, usize>,
    listed: Vec<(K, u64)>,
    bound: usize,
}

impl<K: Eq + Hash + Clone> Tally<K> {
    fn new(bound: usize) -> Self {
        Self { total: 0, counts: HashMap::new(), listed: Vec::new(), bound }
    }

    fn add(&mut self, key: K) {
        self.total += 1;
        if let Some(at) = self.counts.get(&key) {
            self.listed[*at].1 += 1;
        } else if self.listed.len() < self.bound {
            self.counts.insert(key.clone(), self.listed.len());
            self.listed.push((key, 1));
        }
    }

    fn bounded<T>(&self, make: impl Fn(&K, u64) -> T) -> Bounded<T> {
        Bounded { total: self.total, listed: self.listed.iter().map(|(key, count)| make(key, *count)).collect() }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Attempt {
    protocol: &'static str,
    destination: Option<String>,
    host: Option<String>,
}

/// All that a run leaves behind.
pub struct Recorder {
    /// The mock secrets that are looked for.
    pub canaries: Arc<Canaries>,
    network: Tally<Attempt>,
    spawns: Tally<(String, Vec<String>)>,
    writes: Tally<String>,
    refused: BTreeMap<String, u64>,
    /// Mock secrets that were read.
    pub read: BTreeSet<String>,
    /// Mock secrets that were about to leave, and the way.
    pub leaked: BTreeMap<String, BTreeSet<&'static str>>,
    /// Mock secrets that were printed.
    pub printed: BTreeSet<String>,
    /// Names that were looked up: the address that was given for each.
    names: HashMap<String, u32>,
    by_address: HashMap<u32, String>,
    /// Other things that deserve a flag, by code.
    pub noted: BTreeSet<&'static str>,
    /// Connections whose data was encrypted, so that nothing can be said of it.
    pub encrypted: u64,
    /// Programs that were looked for by a process and not found yet: a search along PATH is one attempt.
    searching: HashMap<i32, (String, Vec<String>)>,
}

/// The network that made-up addresses come from: 198.18.0.0/15, kept for benchmarks (RFC 2544).
const MADE_UP: u32 = 0xc612_0000;
/// How many names get an address of their own.
const NAMES: usize = 10_000;

impl Recorder {
    pub fn new(canaries: Arc<Canaries>, bound: usize) -> Self {
        Self {
            canaries,
            network: Tally::new(bound),
            spawns: Tally::new(bound),
            writes: Tally::new(bound),
            refused: BTreeMap::new(),
            read: BTreeSet::new(),
            leaked: BTreeMap::new(),
            printed: BTreeSet::new(),
            names: HashMap::new(),
            by_address: HashMap::new(),
            noted: BTreeSet::new(),
            encrypted: 0,
            searching: HashMap::new(),
        }
    }

    /// An attempt to reach the network at an address.
    pub fn attempt(&mut self, protocol: &'static str, destination: Option<std::net::SocketAddr>) {
        let host = destination.and_then(|address| self.host(address.ip()));
        self.network.add(Attempt { protocol, destination: destination.map(|to| to.to_string()), host });
    }

    /// An attempt to reach something that has no address of the internet.
    pub fn attempt_other(&mut self, protocol: &'static str, destination: Option<&str>) {
        let destination = destination.map(|text| printable(text, TEXT));
        self.network.add(Attempt { protocol, destination, host: None });
    }

    /// A name that was looked up; gives the address that stands for it.
    pub fn looked_up(&mut self, name: &str, counts: bool) -> u32 {
        self.leak_in(&self.canaries.find_in_name(name).into_iter().map(str::to_owned).collect::<Vec<_>>(), "dns");
        let shown = printable(name, TEXT);
        let known = self.names.get(&shown).copied();
        if counts || known.is_none() {
            self.network.add(Attempt { protocol: "dns", destination: Some(shown.clone()), host: None });
        }
        if let Some(address) = known {
            return address;
        }
        if self.names.len() >= NAMES {
            return MADE_UP + 0x1_fffe;
        }
        let address = MADE_UP + 1 + self.names.len() as u32;
        self.names.insert(shown.clone(), address);
        self.by_address.insert(address, shown);
        address
    }

    fn host(&self, address: std::net::IpAddr) -> Option<String> {
        match address {
            std::net::IpAddr::V4(v4) => self.by_address.get(&u32::from(v4)).cloned(),
            std::net::IpAddr::V6(v6) => self.by_address.get(&u32::from(v6.to_ipv4_mapped()?)).cloned(),
        }
    }

    /// Bytes that were about to leave. The way is a word: `tcp`, `udp`, `argument`, `file`.
    pub fn leaving(&mut self, bytes: &[u8], way: &'static str) {
        let found: Vec<String> = self.canaries.find(bytes).into_iter().map(str::to_owned).collect();
        self.leak_in(&found, way);
    }

    fn leak_in(&mut self, names: &[String], way: &'static str) {
        for name in names {
            self.leaked.entry(name.clone()).or_default().insert(way);
        }
    }

    /// Bytes that were printed.
    pub fn printing(&mut self, bytes: &[u8]) {
        let found: Vec<String> = self.canaries.find(bytes).into_iter().map(str::to_owned).collect();
        self.printed.extend(found);
    }

    /// An attempt to start a program that is there.
    pub fn spawn(&mut self, pid: i32, program: &str, arguments: &[String]) {
        self.searching.remove(&pid);
        self.spawns.add((printable(program, TEXT), kept(arguments)));
    }

    /// An attempt to start a program that is not there. Looking along PATH for one name is one attempt, counted when it
    /// succeeds or when the search is over.
    pub fn search(&mut self, pid: i32, program: &str, arguments: &[String]) {
        let name = printable(program.rsplit('/').next().unwrap_or(program), TEXT);
        let entry = (name, kept(arguments));
        match self.searching.get(&pid) {
            Some(known) if *known == entry => {}
            _ => {
                if self.searching.len() >= 1000 {
                    self.end_searches();
                }
                if let Some(before) = self.searching.insert(pid, entry) {
                    self.spawns.add(before);
                }
            }
        }
    }

    /// Counts the searches that found nothing.
    pub fn end_searches(&mut self) {
        let over: Vec<_> = self.searching.drain().map(|(_, entry)| entry).collect();
        over.into_iter().for_each(|entry| self.spawns.add(entry));
    }

    pub fn write(&mut self, path: &str) {
        self.leaving(path.as_bytes(), "file");
        self.writes.add(printable(path, TEXT));
    }

    pub fn refuse(&mut self, call: &str) {
        let call = if self.refused.len() < KINDS || self.refused.contains_key(call) { call } else { "other" };
        *self.refused.entry(call.to_owned()).or_default() += 1;
    }

    pub fn network(&self) -> Bounded<NetworkAttempt> {
        self.network.bounded(|attempt, count| NetworkAttempt {
            protocol: attempt.protocol.to_owned(),
            destination: attempt.destination.clone(),
            host: attempt.host.clone(),
            count,
        })
    }

    pub fn spawns(&self) -> Bounded<SpawnAttempt> {
        self.spawns.bounded(|(program, arguments), count| SpawnAttempt {
            program: program.clone(),
            arguments: arguments.clone(),
            count,
        })
    }

    pub fn writes(&self) -> Bounded<String> {
        self.writes.bounded(|path, _| path.clone())
    }

    pub fn refused(&self) -> BTreeMap<String, u64> {
        self.refused.clone()
    }
}

fn kept(arguments: &[String]) -> Vec<String> {
    arguments.iter().take(ARGUMENTS).map(|argument| printable(argument, TEXT)).collect()
}
