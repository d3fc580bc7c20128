//! From bundles of anybody to what they prove about something that is wanted.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sigma_certificate::{CertificateStatus, PackagePayload};
use sigma_core::{CouncilVerdict, Depth, Ecosystem, SecurityLevel, Sha256, printable};
use sigma_ledger::{Name, Policy, Report, Stale, State, Status, TrustedRoot, verify};

use crate::peek::{Peek, peek};
use crate::report::{CertificateFacts, Outcome, PackageResult, StatusFacts};
use crate::wanted::Wanted;

/// Status lists that are tried before each bundle is judged by its own.
const MAX_STATUS_TRIES: usize = 8;

/// A bundle of anybody.
#[derive(Debug, Clone)]
pub struct Candidate {
    bytes: Vec<u8>,
    /// What it says it is about; nothing of it is believed.
    says: Option<Peek>,
}

impl Candidate {
    /// One that was glanced at already.
    pub(crate) fn seen(bytes: Vec<u8>, says: Peek) -> Self {
        Self { bytes, says: Some(says) }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it says that it covers something wanted. Nothing is verified.
    pub fn says_it_covers(&self, wanted: &Wanted) -> bool {
        self.says.as_ref().is_some_and(|says| wanted.strong().any(|digest| says.digests.contains(digest)))
    }
}

impl From<Vec<u8>> for Candidate {
    fn from(bytes: Vec<u8>) -> Self {
        let says = peek(&bytes);
        Self { bytes, says }
    }
}

/// A bundle, verified, and what it seals.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Every check.
    pub report: Report,
    /// What was sealed; only where its hash is proven and it is a package's.
    pub payload: Option<PackagePayload>,
}

/// Verifies bundles against a pinned root.
pub struct Prover {
    root: TrustedRoot,
    policy: Policy,
    fail_on: SecurityLevel,
    accept: HashSet<String>,
}

impl Prover {
    /// A prover with a root. Certificates of `fail_on` or worse fail. Status lists that have expired are refused with `fresh`.
    pub fn new(root: TrustedRoot, mut policy: Policy, fail_on: SecurityLevel, fresh: bool) -> Self {
        if fresh {
            policy.stale = Stale::Refuse;
        }
        Self { root, policy, fail_on, accept: HashSet::new() }
    }

    /// Names of packages, and paths of added files, that need no certificate: they are told, and decide nothing.
    pub fn accepting(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.accept.extend(names);
        self
    }

    /// Whether a package or an added file needs no certificate.
    pub(crate) fn accepts(&self, name: &str) -> bool {
        self.accept.contains(name)
    }

    /// The last word about a package: what is undecided about one that needs no certificate decides nothing.
    pub(crate) fn settle(&self, wanted: &Wanted, mut result: PackageResult) -> PackageResult {
        let accepted = wanted.package.as_ref().is_some_and(|id| self.accepts(id.name().as_str()));
        if accepted && result.outcome == Outcome::Undecided {
            result.outcome = Outcome::Advisory;
            result.reason.push_str("; accepted");
        }
        result
    }

    /// Takes the newest status list that any of the bundles brings, if it is newer than the one that is known: what one of them knows to be revoked is revoked for all.
    /// With none that holds, each bundle is judged by its own.
    pub fn learn_status(&mut self, bundles: &[Vec<Candidate>]) {
        let seen = bundles.iter().flatten().filter_map(|bundle| Some((bundle.says.as_ref()?.status_time?, bundle)));
        let mut times: Vec<(u64, &Candidate)> = seen.collect();
        times.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        times.dedup_by_key(|(time, _)| *time);
        let newest = times.into_iter().take(MAX_STATUS_TRIES).find_map(|(_, bundle)| {
            let bundle: Value = serde_json::from_slice(&bundle.bytes).ok()?;
            let list = serde_json::to_vec(bundle.get("status")?).ok()?;
            Status::read(&list, &self.root, &self.policy).ok()
        });
        let as_of = |status: &Status| status.list().as_of;
        let known = self.policy.status.as_deref().map(as_of);
        if let Some(newest) = newest.filter(|newest| known.is_none_or(|known| as_of(newest) > known)) {
            self.policy.status = Some(Arc::new(newest));
        }
    }

    /// The status list that counts.
    pub fn status(&self) -> Option<StatusFacts> {
        let list = self.policy.status.as_ref()?.list();
        let fresh = self.policy.now < list.expires;
        Some(StatusFacts { as_of: list.as_of, expires: list.expires, fresh })
    }

    /// The root that was pinned.
    pub fn root(&self) -> (u64, Sha256) {
        (self.root.version(), Sha256::of(&self.root.to_bytes()))
    }

    fn prove(&self, bundle: &Candidate) -> Proven {
        let report = verify(&bundle.bytes, &self.root, None, &self.policy);
        let payload = match report.state(Name::Payload) {
            // Its hash was compared; strict parsing went before, so there is one reading of these bytes.
            State::Proven => serde_json::from_slice::<Sealed>(&bundle.bytes).ok().map(|sealed| sealed.payload),
            State::NotProven | State::Failed => None,
        };
        Proven { report, payload }
    }

    /// Verifies bundles.
    pub fn prove_all(&self, candidates: &[Candidate]) -> Vec<Proven> {
        candidates.iter().map(|candidate| self.prove(candidate)).collect()
    }

    /// Judges something by the bundles that may be about it.
    pub fn judge(&self, wanted: &Wanted, candidates: &[Candidate]) -> PackageResult {
        self.decide(wanted, &self.prove_all(candidates))
    }

    /// Judges something by bundles that were verified.
    pub fn decide(&self, wanted: &Wanted, proven: &[Proven]) -> PackageResult {
        let package = wanted.package.as_ref().map(ToString::to_string);
        let mut result = PackageResult {
            package: package.clone(),
            subject: wanted.subject.clone(),
            depth: wanted.depth,
            outcome: Outcome::Undecided,
            reason: String::new(),
            certificate: None,
            pinned: wanted.digests.len() as u64,
            covered: 0,
            files: None,
            checks: Vec::new(),
            anchor: None,
        };
        // Whose payload is not proven is about nothing that is known: it can neither help nor harm.
        let broken = proven.iter().find(|one| one.payload.is_none()).and_then(|one| one.report.failure().cloned());
        let mut about: Vec<&Proven> = proven.iter().filter(|one| concerns(one, wanted, package.as_deref())).collect();
        about.sort_by(|a, b| newest_first(a, b));
        let blocked = about.iter().position(|one| self.status_of(one) == Some(CertificateStatus::Blocked));
        let of_bytes = about.iter().position(|one| covers(one, wanted));
        // A block holds for the exact package, whichever of its certificates it is about; else the newest of these bytes.
        let Some(index) = blocked.or(of_bytes) else {
            (result.outcome, result.reason) = self.without(wanted, &about, broken.as_ref().map(|check| &*check.detail));
            if let Some(one) = about.first() {
                result.certificate = facts(one);
            }
            return result;
        };
        let answer = about[index];
        let covered: Vec<(String, Sha256)> = answer
            .payload
            .iter()
            .flat_map(|payload| {
                wanted.covered(&payload.distributions).into_iter().map(|one| (one.filename.clone(), one.sha256))
            })
            .collect();
        result.covered = covered.len() as u64;
        result.checks = answer.report.checks.clone();
        for check in result.checks.iter_mut().filter(|check| check.check == Name::Artifact) {
            if let Some((name, sha256)) = covered.first() {
                check.state = State::Proven;
                check.detail = format!("sha256 {sha256} is {} of the certificate", printable(name, 120));
            }
        }
        result.certificate = facts(answer);
        result.anchor = answer.report.anchor.clone();
        if let Some(payload) = answer.payload.as_ref().filter(|_| wanted.filename.is_some()) {
            // What a file is of was a guess by its name; now it is proven.
            result.package = Some(name_of(payload));
        }
        (result.outcome, result.reason) = self.outcome(wanted, answer, covered.len());
        result
    }

    fn status_of(&self, one: &Proven) -> Option<CertificateStatus> {
        let list = self.policy.status.as_ref()?.list();
        list.find(one.report.certificate_id.as_deref()?).map(|revoked| revoked.status)
    }

    /// What the certificate that answers comes to.
    fn outcome(&self, wanted: &Wanted, answer: &Proven, covered: usize) -> (Outcome, String) {
        if let Some(failed) = answer.report.failure() {
            let outcome = if failed.check == Name::Status { "does not stand" } else { "does not hold" };
            return (Outcome::Failed, format!("the certificate {outcome}: {}", failed.detail));
        }
        let Some(payload) = &answer.payload else { return (Outcome::Undecided, "no payload".to_owned()) };
        let rejected = payload.council_verdict != CouncilVerdict::Approved;
        if rejected || payload.security_level >= self.fail_on {
            let said = format!("certified as {}", payload.security_level);
            return match wanted.depth {
                // As in an audit: deeper than L1 it is told, and decides nothing.
                Some(depth) if depth > Depth::TransitiveL1 => {
                    (Outcome::Advisory, format!("{said}, deeper than decides"))
                }
                _ => (Outcome::Failed, said),
            };
        }
        let mut said = format!("certified as {}", payload.security_level);
        if wanted.digests.len() > covered && covered > 0 {
            said.push_str(&format!(
                "; of {} pinned files {covered} are covered, the others are not certified",
                wanted.digests.len()
            ));
        }
        match answer.report.state(Name::Status) {
            State::Proven => (Outcome::Proven, said),
            _ => (Outcome::FreshnessUnknown, format!("{said}; whether it was revoked since is not known")),
        }
    }

    /// Why nothing answers.
    fn without(&self, wanted: &Wanted, about: &[&Proven], broken: Option<&str>) -> (Outcome, String) {
        let named = wanted.filename.as_deref().and_then(|filename| {
            let entries = about.iter().filter_map(|one| one.payload.as_ref()).flat_map(|one| &one.distributions);
            entries.into_iter().find(|entry| entry.filename == filename)
        });
        if let Some(entry) = named {
            let said = format!("a file of this name is certified with SHA-256 {}: these are other bytes", entry.sha256);
            return (Outcome::Failed, said);
        }
        if let Some(package) = &wanted.package
            && !about.is_empty()
            && wanted.strong().next().is_some()
        {
            return match package.ecosystem() {
                // npm publishes one tarball for a version, once.
                Ecosystem::Npm => {
                    (Outcome::Failed, format!("{package} is certified with other bytes than the ones that are pinned"))
                }
                Ecosystem::Pypi => (
                    Outcome::Undecided,
                    format!("other files of {package} are certified, not the ones that are pinned"),
                ),
            };
        }
        match broken {
            Some(why) => (Outcome::Undecided, format!("no certificate that holds: {}", printable(why, 300))),
            None if wanted.digests.is_empty() && wanted.package.is_none() => {
                (Outcome::Undecided, "nothing pins its bytes".to_owned())
            }
            None => (Outcome::Undecided, "not certified, as far as is known here".to_owned()),
        }
    }
}

#[derive(Deserialize)]
struct Sealed {
    payload: PackagePayload,
}

fn name_of(payload: &PackagePayload) -> String {
    let name = format!("{}:{}@{}", payload.registry_source, payload.package_name, payload.package_version);
    printable(&name, 500)
}

/// Whether a bundle is about what is wanted: its bytes, or another file of the same package.
fn concerns(one: &Proven, wanted: &Wanted, package: Option<&str>) -> bool {
    let Some(payload) = &one.payload else { return false };
    let name = name_of(payload);
    // A lockfile's bytes must be those of the package that it names; a file may have been renamed.
    package == Some(name.as_str()) || (wanted.filename.is_some() && covers(one, wanted))
}

/// Whether a certificate covers the wanted bytes, by what its payload and its signed subjects say; any where none are pinned.
fn covers(one: &Proven, wanted: &Wanted) -> bool {
    let Some(payload) = &one.payload else { return false };
    if wanted.digests.is_empty() && wanted.package.is_some() {
        return true;
    }
    wanted.covered(&payload.distributions).iter().any(|entry| {
        let sha256 = entry.sha256.to_string();
        one.report.subjects.iter().any(|subject| subject.digest.get("sha256") == Some(&sha256))
    })
}

fn newest_first(a: &Proven, b: &Proven) -> std::cmp::Ordering {
    let key =
        |one: &Proven| (one.payload.as_ref().map(|payload| payload.certified_at), one.report.certificate_id.clone());
    key(b).cmp(&key(a))
}

fn facts(one: &Proven) -> Option<CertificateFacts> {
    let payload = one.payload.as_ref()?;
    Some(CertificateFacts {
        id: one.report.certificate_id.clone()?,
        verdict: payload.council_verdict,
        level: payload.security_level,
        certified_at: payload.certified_at,
        ruleset_version: printable(&payload.ruleset_version, 80),
        log_index: one.report.log_index,
    })
}
