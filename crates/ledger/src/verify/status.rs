//! Whether a certificate still stands.

use sigma_core::printable;

use super::attestation::{self, Attested, verify_statement};
use super::report::{Checks, Name};
use super::{Policy, SKEW, Stale};
use crate::bundle::Bundle;
use crate::root::TrustedRoot;
use crate::statement::{Kind, StatusList};

/// A status list that is proven.
#[derive(Debug)]
pub struct Status {
    list: StatusList,
}

/// Why a status list is not.
#[derive(Debug, thiserror::Error)]
#[error("the status list: {0}")]
pub struct StatusError(String);

impl Status {
    /// Reads the bundle of a status list.
    ///
    /// # Errors
    /// When anything about it is not proven. That it has expired is no error: what it revokes stays revoked.
    pub fn read(bundle: &[u8], root: &TrustedRoot, policy: &Policy) -> Result<Self, StatusError> {
        let attested = verify_statement(bundle, root, policy).map_err(|error| StatusError(error.to_string()))?;
        Ok(Self { list: read(&attested, policy).map_err(StatusError)? })
    }

    /// The list.
    pub fn list(&self) -> &StatusList {
        &self.list
    }
}

pub fn check(
    bundle: Option<&Bundle>,
    certificate_id: &str,
    root: &TrustedRoot,
    policy: &Policy,
    checks: &mut Checks,
) -> Result<(), ()> {
    if let Some(given) = &policy.status {
        return judge(&given.list, certificate_id, policy, checks);
    }
    let Some(bundle) = bundle else {
        return stale("the bundle holds no status list".to_owned(), policy, checks);
    };
    let attested = attestation::attest(bundle, root, policy).map_err(|error| error.to_string());
    match attested.and_then(|attested| read(&attested, policy)) {
        Ok(list) => judge(&list, certificate_id, policy, checks),
        Err(why) => checks.run(Name::Status, || Err(format!("the status list: {why}"))),
    }
}

fn judge(list: &StatusList, certificate_id: &str, policy: &Policy, checks: &mut Checks) -> Result<(), ()> {
    // Who was revoked stays revoked: an old list is enough to know.
    if let Some(revoked) = list.find(certificate_id) {
        let (status, at, index) = (revoked.status.as_str(), revoked.at, revoked.log_index);
        return checks.run(Name::Status, || Err(format!("{status} at {at}, entry {index} of the log")));
    }
    let (as_of, expires) = (list.as_of, list.expires);
    if policy.now >= expires {
        return stale(format!("not revoked as of {as_of}, but that list expired at {expires}"), policy, checks);
    }
    checks.run(Name::Status, || Ok((format!("not revoked as of {as_of}, which holds until {expires}"), ())))
}

fn stale(why: String, policy: &Policy, checks: &mut Checks) -> Result<(), ()> {
    match policy.stale {
        Stale::Warn => {
            checks.not_proven(Name::Status, why);
            Ok(())
        }
        Stale::Refuse => checks.run(Name::Status, || Err(why)),
    }
}

/// The list that was attested.
fn read(attested: &Attested, policy: &Policy) -> Result<StatusList, String> {
    let list: StatusList =
        attested.statement.predicate(Kind::StatusList).map_err(|error| printable(&error.to_string(), 200))?;
    if list.expires <= list.as_of || list.as_of.as_millis() > policy.now.as_millis().saturating_add(SKEW) {
        return Err(format!("it is of {} until {}, which cannot be", list.as_of, list.expires));
    }
    if list.log_size > attested.checkpoint.size {
        return Err(format!("it is of {} entries, the log had {}", list.log_size, attested.checkpoint.size));
    }
    Ok(list)
}
