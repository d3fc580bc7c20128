//! From an audit to a decision: may the submission go on?

use sigma_core::{Depth, PackageId, Report, Ruling, SecurityLevel, Timestamp};

use crate::outcome::places;
use crate::{Audit, AuditError, Hall, RowState, Uncertified, Waived, Waivers};

/// What is required of the dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The mildest level that stops a submission. BLOCKED unless the user is stricter.
    pub fail_on: SecurityLevel,
    /// Whether unavailable advisories leave the audit undecided.
    pub require_advisories: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { fail_on: SecurityLevel::Blocked, require_advisories: false }
    }
}

/// The decision. Each kind has its own exit code, so that "could not look" is never taken for "found nothing".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Everything within reach is certified and mild enough.
    Pass,
    /// Something is not acceptable: the reasons.
    Fail(Vec<String>),
    /// Something could not be judged: the reasons.
    Undecided(Vec<String>),
}

impl Policy {
    /// Decides. What is known to be unacceptable outweighs what is unknown.
    ///
    /// A level of `fail_on` or worse stops the submission at DIRECT and L1; deeper it is advisory. A refused
    /// declaration and an integrity mismatch stop it wherever they are. What is not certified leaves it undecided,
    /// except below the audited depth, which is a disclosed bound and not a gap.
    pub fn decide(&self, audit: &Audit) -> Decision {
        self.decide_waiving(audit, &Waived::default())
    }

    /// Decides with what waivers leave of the levels. The certificates and their levels stay as they are.
    pub fn decide_waiving(&self, audit: &Audit, waived: &Waived) -> Decision {
        let (mut fail, mut undecided) = (Vec::new(), Vec::new());
        for refused in &audit.refused {
            fail.push(format!("{} ({}): {}", refused.declaration, refused.at, refused.reason.describe()));
        }
        for unresolved in &audit.unresolved {
            let first = unresolved.detail.lines().next().unwrap_or_default();
            undecided.push(format!("{} {}{}: {first}", unresolved.name, unresolved.spec, places(unresolved)));
        }
        for row in &audit.rows {
            let package = &row.package;
            match &row.state {
                RowState::Cached(certificate) | RowState::Audited(certificate) => {
                    let payload = certificate.payload();
                    let level = row.level().unwrap_or(payload.security_level);
                    // What an operator decided is not for a project to waive.
                    let waived = waived.levels.get(&package.id).filter(|_| row.standing.is_none());
                    let left = waived.copied().unwrap_or(level);
                    if left >= self.fail_on && package.depth <= Depth::TransitiveL1 {
                        let after = if let Some(standing) = &row.standing {
                            format!(": {} by an operator: {}", standing.action.status().as_str(), standing.reason)
                        } else if left < level {
                            format!(", {left} after waivers")
                        } else {
                            String::new()
                        };
                        fail.push(format!("{} ({}) is {level}{after}", package.id, package.depth));
                    }
                    if self.require_advisories && payload.registry_advisory_count.is_none() {
                        undecided.push(format!("{}: its advisories are unavailable", package.id));
                    }
                }
                RowState::Uncertified(why @ Uncertified::Mismatch(_)) => {
                    fail.push(format!("{} ({}): {}", package.id, package.depth, why.describe()));
                }
                RowState::Uncertified(Uncertified::BeyondDepth) => {}
                RowState::Uncertified(why) => undecided.push(format!("{}: {}", package.id, why.describe())),
            }
        }
        if audit.is_empty() {
            undecided.push("nothing found to check: the manifests declare no dependencies".to_owned());
        }
        match (fail.is_empty(), undecided.is_empty()) {
            (false, _) => Decision::Fail(fail),
            (true, false) => Decision::Undecided(undecided),
            (true, true) => Decision::Pass,
        }
    }
}

impl Hall {
    /// What waivers leave of the levels of an audit, judged by the reports and rounds in the store.
    ///
    /// # Errors
    /// When the store does not give what belongs to a certificate.
    pub async fn waive(&self, audit: &Audit, waivers: &Waivers) -> Result<Waived, AuditError> {
        let mut judge = waivers.judge(self.now());
        for certificate in audit.rows.iter().filter_map(|row| row.certificate()) {
            if waivers.is_empty() || certificate.payload().security_level == SecurityLevel::Clear {
                continue;
            }
            let id = certificate.id();
            let missing = || AuditError::Internal(format!("the store lost the report of {id}"));
            let sealed = self.store.certificate(id).await?.ok_or_else(missing)?;
            let unread = |error: serde_json::Error| AuditError::Internal(format!("the report of {id}: {error}"));
            let report: Report = serde_json::from_slice(&sealed.report).map_err(unread)?;
            let (_, _, ruling): (PackageId, Timestamp, Ruling) =
                serde_json::from_slice(&sealed.round).map_err(unread)?;
            judge.package(&report, &ruling);
        }
        Ok(judge.finish())
    }
}
