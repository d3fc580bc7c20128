//! From a delta to strands: the new things in one distribution that an attack could be made of.
//!
//! In: a [`DistributionDelta`]. Out: its [`Strands`]. Which levels follow is for the validators to say.

use std::collections::BTreeMap;

use sigma_core::{Capability, Category, Delta, DistributionDelta, Reach, SecurityLevel, Severity, Step, printable};

/// Something new that matters for an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something runs at installation that did not before.
    Hook,
    /// Code that hides what it is.
    Hidden,
    /// A rule of HIGH or CRITICAL severity hits.
    Grave,
    /// Starts processes.
    Process,
    /// Opens connections, or opens them to other hosts.
    Network,
    /// Reads credentials.
    Credentials,
    /// Reads the environment: ordinary alone, telling beside what could carry it away.
    Environment,
    /// Runs code made at run time.
    Dynamic,
    /// Contains native code for the first time.
    Native,
    /// Loads native code by a call.
    Loads,
    /// Writes or deletes files without being called.
    Files,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Hook => "runs code at installation",
            Self::Hidden => "hides code",
            Self::Grave => "does what is rarely innocent",
            Self::Process => "starts processes",
            Self::Network => "opens connections",
            Self::Credentials => "reads credentials",
            Self::Environment => "reads the environment",
            Self::Dynamic => "runs code made at run time",
            Self::Native => "contains native code",
            Self::Loads => "loads native code",
            Self::Files => "changes files unasked",
        }
    }
}

/// Capabilities and the strand each makes.
const ABLE: [(&[Capability], Kind); 5] = [
    (&[Capability::Process, Capability::Shell], Kind::Process),
    (&[Capability::NetworkClient], Kind::Network),
    (&[Capability::Credentials], Kind::Credentials),
    (&[Capability::Environment], Kind::Environment),
    (&[Capability::DynamicCode], Kind::Dynamic),
];

/// How much a release promises to leave as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// A patch repairs: nothing new is expected.
    Narrow,
    /// A minor release adds; so may one whose version tells nothing.
    Open,
    /// A major release may be another program.
    None,
}

/// What is new in one distribution, by kind, with a few words on each.
#[derive(Debug, Clone)]
pub(crate) struct Strands {
    kinds: BTreeMap<Kind, String>,
    /// Whether some of it runs without being called: at installation or import.
    pub unasked: bool,
    /// Whether the connections are only known by a new host: the package opened connections before.
    pub hosts_only: bool,
    /// Whether it named no host before.
    first_hosts: bool,
    /// Where to look first.
    pub location: Option<String>,
}

impl Strands {
    /// Reads a distribution's delta.
    pub fn of(delta: &DistributionDelta) -> Self {
        let mut strands =
            Self { kinds: BTreeMap::new(), unasked: false, hosts_only: false, first_hosts: false, location: None };
        if let Some(hook) = delta.install_hooks.first() {
            strands.add(Kind::Hook, hook, true);
        }
        for rule in &delta.rules {
            let kind = match rule.category {
                Category::Obfuscation if rule.severity >= Severity::Medium => Kind::Hidden,
                Category::Binary if rule.severity >= Severity::High => Kind::Hidden,
                _ if rule.severity >= Severity::High => Kind::Grave,
                Category::Binary => continue,
                _ if rule.capability == Some(Capability::NativeCode) => Kind::Loads,
                _ => continue,
            };
            strands.add(kind, &rule.rule, runs_unasked(rule.reach));
            strands.location.get_or_insert_with(|| rule.location.clone());
        }
        for (capabilities, kind) in ABLE {
            if let Some(gain) = delta.gain(capabilities) {
                // Reading the environment at import is how half of all packages are configured.
                strands.add(kind, reach_words(gain.reach), runs_unasked(gain.reach) && kind != Kind::Environment);
            }
        }
        if delta.first_binaries
            && let Some(binary) = delta.binaries.first()
        {
            strands.add(Kind::Native, &binary.path, false);
        }
        if let Some(gain) = delta.gain(&[Capability::FileWrite])
            && runs_unasked(gain.reach)
        {
            strands.add(Kind::Files, reach_words(gain.reach), true);
        }
        strands.add_hosts(delta);
        let file = delta.files.iter().max_by_key(|file| (file.reach, file.capabilities.len()));
        if let Some(file) = file.filter(|_| !strands.kinds.is_empty()) {
            strands.location.get_or_insert_with(|| file.path.clone());
        }
        strands
    }

    /// A package that could do everything before gains no capability when it is hijacked. It speaks to somebody new, and
    /// some file does what it did not do before.
    fn add_hosts(&mut self, delta: &DistributionDelta) {
        let Some(host) = delta.hosts.first() else { return };
        if !self.has(Kind::Network) {
            self.hosts_only = true;
            self.first_hosts = delta.first_hosts;
        }
        self.kinds.insert(Kind::Network, printable(host, 80));
        let kinds_of = |file: &sigma_core::FileDelta| -> Vec<Kind> {
            let able = |kinds: &[Capability]| kinds.iter().any(|one| file.capabilities.contains(one));
            ABLE.iter().filter(|(capabilities, _)| able(capabilities)).map(|(_, kind)| *kind).collect()
        };
        // The new host is in one file, or close to it: of the files that gained, the one that gained most.
        let files = delta.files.iter().filter(|file| file.capabilities.contains(&Capability::NetworkClient));
        if let Some(file) = files.max_by_key(|file| (kinds_of(file).len(), file.reach)) {
            for kind in kinds_of(file).into_iter().filter(|kind| *kind != Kind::Network) {
                if !self.has(kind) {
                    self.add(kind, &file.path, runs_unasked(file.reach) && kind != Kind::Environment);
                }
            }
        }
    }

    fn add(&mut self, kind: Kind, detail: &str, unasked: bool) {
        self.kinds.entry(kind).or_insert_with(|| printable(detail, 80));
        self.unasked |= unasked;
    }

    /// Whether there is a strand of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// Whether some of it hides, takes something out or brings something in. A minor release may well begin to look after
    /// its own installation; this is what it does not need for that.
    pub fn reaches_out(&self) -> bool {
        self.any(&[Kind::Hidden, Kind::Grave, Kind::Network, Kind::Credentials])
    }

    /// Whether there is no other.
    pub fn is_only(&self, kind: Kind) -> bool {
        self.has(kind) && self.kinds.len() == 1
    }

    /// Whether there is one of these.
    pub fn any(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|kind| self.has(*kind))
    }

    /// How much it weighs: one for each kind. Two for concealment, because nobody hides what repairs, and for the first host
    /// of a package that only went where its caller sent it. The environment weighs beside a connection or run-time code
    /// only.
    pub fn weight(&self) -> usize {
        let idle = self.has(Kind::Environment) && !self.any(&[Kind::Network, Kind::Dynamic, Kind::Grave]);
        self.kinds.len() + usize::from(self.has(Kind::Hidden)) + usize::from(self.first_hosts) - usize::from(idle)
    }

    /// All of it in a sentence.
    pub fn sentence(&self) -> String {
        let all: Vec<String> = self.kinds.iter().map(|(kind, detail)| format!("{} ({detail})", kind.words())).collect();
        all.join(", ")
    }
}

/// What the step promises. A stranger, who did not publish before, is held to the narrower promise.
pub(crate) fn promise(delta: &Delta, stranger: bool) -> Promise {
    match (delta.step, stranger) {
        (Step::Patch, _) | (Step::Minor, true) => Promise::Narrow,
        (Step::Minor | Step::Downgrade | Step::Other, _) | (Step::Major, true) => Promise::Open,
        (Step::Major, false) => Promise::None,
    }
}

/// Reports of two rulesets tell apart what the packages are and what the rulesets are only in manifests and names: that is
/// worth a note, and no more.
pub(crate) fn bounded(delta: &Delta, level: SecurityLevel) -> SecurityLevel {
    if delta.same_ruleset() { level } else { level.min(SecurityLevel::Monitored) }
}

fn runs_unasked(reach: Reach) -> bool {
    matches!(reach, Reach::Install | Reach::Import)
}

fn reach_words(reach: Reach) -> &'static str {
    match reach {
        Reach::Test => "in tests",
        Reach::Call => "when called",
        Reach::EntryPoint => "as a command",
        Reach::Import => "at import",
        Reach::Install => "at installation",
    }
}
