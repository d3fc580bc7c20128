//! Whether a certificate still stands.

use sigma_core::printable;

use super::report::{Checks, Name};
use super::{Policy, SKEW, Stale, attestation};
use crate::bundle::Bundle;
use crate::root::TrustedRoot;
use crate::statement::{Kind, StatusList};

pub fn check(
    bundle: Option<&Bundle>,
    certificate_id: &str,
    root: &TrustedRoot,
    policy: &Policy,
    checks: &mut Checks,
) -> Result<(), ()> {
    let stale = |checks: &mut Checks, why: String| match policy.stale {
        Stale::Warn => {
            checks.not_proven(Name::Status, why);
            Ok(())
        }
        Stale::Refuse => checks.run(Name::Status, || Err(why)),
    };
    let Some(bundle) = bundle else {
        return stale(checks, "the bundle holds no status list".to_owned());
    };
    let list = match read(bundle, root, policy) {
        Ok(list) => list,
        Err(why) => return checks.run(Name::Status, || Err(format!("the status list: {why}"))),
    };
    // Who was revoked stays revoked: an old list is enough to know.
    if let Some(revoked) = list.find(certificate_id) {
        let (status, at, index) = (revoked.status.as_str(), revoked.at, revoked.log_index);
        return checks.run(Name::Status, || Err(format!("{status} at {at}, entry {index} of the log")));
    }
    if policy.now >= list.expires {
        return stale(checks, format!("not revoked as of {}, but that list expired at {}", list.as_of, list.expires));
    }
    checks
        .run(Name::Status, || Ok((format!("not revoked as of {}, which holds until {}", list.as_of, list.expires), ())))
}

/// The list in a bundle, if everything about it is proven.
fn read(bundle: &Bundle, root: &TrustedRoot, policy: &Policy) -> Result<StatusList, String> {
    let mut inner = Checks::default();
    let attested = attestation::check(bundle, root, policy, &mut inner)
        .map_err(|()| inner.failure().unwrap_or_else(|| "it is not proven".to_owned()))?;
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
