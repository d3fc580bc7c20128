//! What was proven, and what was not.

use serde::Serialize;
use sigma_core::Timestamp;

use super::attestation::Attested;
use crate::anchor::AnchorClaim;
use crate::statement::{CertificatePredicate, Subject};

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// The bundle is strict JSON of its format.
    Format,
    /// The envelope is signed by a key of the root.
    Signature,
    /// The log's entry is this envelope's.
    Entry,
    /// The checkpoint is signed by a log of the root.
    Checkpoint,
    /// The entry is in the tree of the checkpoint.
    Inclusion,
    /// The log says when it was logged, and all keys were good then.
    LogTime,
    /// Enough witnesses signed the checkpoint.
    Witnesses,
    /// The statement is about a certificate.
    Statement,
    /// The payload has the hash and id that the statement says.
    Payload,
    /// What the bundle says is on a chain leads to this certificate, and a node says that it is there.
    Anchor,
    /// What the caller has is what was certified.
    Artifact,
    /// It was not revoked, as of a time that is not long ago.
    Status,
}

impl Name {
    /// All of them, in their order.
    pub const ALL: [Self; 12] = [
        Self::Format,
        Self::Signature,
        Self::Entry,
        Self::Checkpoint,
        Self::Inclusion,
        Self::LogTime,
        Self::Witnesses,
        Self::Statement,
        Self::Payload,
        Self::Anchor,
        Self::Artifact,
        Self::Status,
    ];
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It holds.
    Proven,
    /// Nothing speaks against it, and nothing proves it.
    NotProven,
    /// It does not hold.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub check: Name,
    /// How it ended.
    pub state: State,
    /// What was proven, by what; or why not.
    pub detail: String,
}

/// All of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything holds, and the certificate was not revoked as of a fresh list.
    Valid,
    /// Nothing failed, but whether it was revoked since is not known.
    ValidFreshnessUnknown,
    /// Something failed.
    Invalid,
}

/// The report of a verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// All of it in a word.
    pub outcome: Outcome,
    /// Which certificate it is; `null` when the signature or the log's proof failed.
    pub certificate_id: Option<String>,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// What holds for them, as the issuer says.
    pub properties: Vec<String>,
    /// Where it is in the log.
    pub log_index: Option<u64>,
    /// When it was logged.
    pub logged_at: Option<Timestamp>,
    /// What is on a chain, as the bundle says and its proof allows; whether it is there, [`Report::settle_anchor`] has to be told.
    pub anchor: Option<AnchorClaim>,
    /// Every check, in order.
    pub checks: Vec<Check>,
}

/// What a node says about an [`AnchorClaim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorAnswer {
    /// It is there; in words.
    There(String),
    /// It is not, or something else is.
    Missing(String),
    /// Nobody could be asked, or the answer is none.
    Unknown(String),
}

impl Report {
    /// Notes what a node says about [`Report::anchor`]. Nothing happens where there is no claim.
    pub fn settle_anchor(&mut self, answer: AnchorAnswer) {
        if self.anchor.is_none() {
            return;
        }
        let (state, detail) = match answer {
            AnchorAnswer::There(detail) => (State::Proven, detail),
            AnchorAnswer::Missing(detail) => (State::Failed, detail),
            AnchorAnswer::Unknown(detail) => (State::NotProven, detail),
        };
        for check in self.checks.iter_mut().filter(|check| check.check == Name::Anchor) {
            (check.state, check.detail) = (state, detail.clone());
        }
        if state == State::Failed {
            self.outcome = Outcome::Invalid;
        }
    }

    /// The check that failed.
    pub fn failure(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.state == State::Failed)
    }

    /// How a check ended.
    pub fn state(&self, name: Name) -> State {
        self.checks.iter().find(|check| check.check == name).map_or(State::NotProven, |check| check.state)
    }
}

/// A report in the making.
#[derive(Debug, Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
    certificate_id: Option<String>,
    subjects: Vec<Subject>,
    properties: Vec<String>,
    log_index: Option<u64>,
    logged_at: Option<Timestamp>,
    anchor: Option<AnchorClaim>,
}

impl Checks {
    /// Runs a check: it gives what it proved in words and a value, or the reason why not. `Err` says to stop.
    pub fn run<T>(&mut self, check: Name, body: impl FnOnce() -> Result<(String, T), String>) -> Result<T, ()> {
        match body() {
            Ok((detail, value)) => {
                self.checks.push(Check { check, state: State::Proven, detail });
                Ok(value)
            }
            Err(detail) => {
                self.checks.push(Check { check, state: State::Failed, detail });
                Err(())
            }
        }
    }

    /// Notes what could not be checked.
    pub fn not_proven(&mut self, check: Name, detail: impl Into<String>) {
        self.checks.push(Check { check, state: State::NotProven, detail: detail.into() });
    }

    /// Notes what is known of the certificate once statement and log are proven.
    pub fn attested(&mut self, attested: &Attested, predicate: &CertificatePredicate) {
        self.certificate_id = Some(predicate.sigma_certificate.certificate_id.clone());
        self.subjects = attested.statement.subject.clone();
        self.properties = predicate.properties.clone();
        self.log_index = Some(attested.index);
        self.logged_at = Some(attested.time);
    }

    /// Notes what is to be found on a chain.
    pub fn claimed(&mut self, claim: AnchorClaim) {
        self.not_proven(Name::Anchor, format!("{claim}; no node was asked"));
        self.anchor = Some(claim);
    }

    /// The failed check, in words.
    pub fn failure(&self) -> Option<String> {
        let failed = self.checks.iter().find(|check| check.state == State::Failed)?;
        let name = serde_json::to_value(failed.check).ok()?;
        Some(format!("{}: {}", name.as_str()?, failed.detail))
    }

    /// The report: checks that were not reached are there, too.
    pub fn finish(mut self) -> Report {
        for name in Name::ALL {
            if !self.checks.iter().any(|check| check.check == name) {
                self.not_proven(name, "not looked at, because a check before it failed");
            }
        }
        let is = |name: Name, state: State| self.checks.iter().any(|check| check.check == name && check.state == state);
        let outcome = if Name::ALL.iter().any(|name| is(*name, State::Failed)) {
            Outcome::Invalid
        } else if is(Name::Status, State::Proven) {
            Outcome::Valid
        } else {
            Outcome::ValidFreshnessUnknown
        };
        Report {
            outcome,
            certificate_id: self.certificate_id,
            subjects: self.subjects,
            properties: self.properties,
            log_index: self.log_index,
            logged_at: self.logged_at,
            anchor: self.anchor,
            checks: self.checks,
        }
    }
}
