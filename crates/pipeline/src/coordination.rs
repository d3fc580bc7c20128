//! May a submission go on? From its packages' rows to one decision, as the coordination of the specification has it:
//!
//! - A blocked direct dependency or L1 stops it, and so do a refused declaration and bytes that are not the published ones.
//! - Every direct dependency must be resolved and certified, or it is held.
//! - What is deeper, blocked or without certificate, is advisory: disclosed, never silently dropped, and no reason to stop.
//!
//! What stops it may be known before anything is audited: a declaration is refused, a package is certified as blocked. Then no
//! audit changes that, and none is made, because each has its price.

use sigma_certificate::Action;
use sigma_core::{Depth, ResolvedPackage, SecurityLevel};

use crate::audit_project::{Drawn, Plan};
use crate::outcome::places;
use crate::{Audit, AuditError, Hall, Row, RowState, Uncertified};

/// What becomes of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    Proceed,
    /// It ends here.
    Stop,
    /// It cannot be decided.
    Hold,
}

/// The decision about a submission's dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordination {
    /// What becomes of it.
    pub next: Next,
    /// Why it stops or is held; empty when it goes on.
    pub reasons: Vec<String>,
    /// What whoever decides next, and the certificate, must be told.
    pub advisories: Vec<String>,
}

impl Coordination {
    /// Decides.
    pub fn of(audit: &Audit) -> Self {
        let (mut stop, mut hold, mut advisories) = (Vec::new(), Vec::new(), Vec::new());
        for refused in &audit.refused {
            stop.push(format!("{} ({}): {}", refused.declaration, refused.at, refused.reason.describe()));
        }
        for unresolved in &audit.unresolved {
            let first = unresolved.detail.lines().next().unwrap_or_default();
            let line = format!("{} {}{}: {first}", unresolved.name, unresolved.spec, places(unresolved));
            let transitive = !unresolved.parents.is_empty() && unresolved.parents.iter().all(|p| p.package.is_some());
            if transitive { advisories.push(line) } else { hold.push(line) }
        }
        let (mut beyond_cap, mut not_audited) = (0_usize, 0_usize);
        for row in &audit.rows {
            let (id, depth) = (&row.package.id, row.package.depth);
            match &row.state {
                RowState::Cached(certificate) | RowState::Audited(certificate) => {
                    let level = row.level().unwrap_or(certificate.payload().security_level);
                    // An operator's BLOCKED is the level; what else an operator decided is said beside it.
                    let decided = row.standing.as_ref().map_or_else(String::new, |standing| {
                        let word = match standing.action {
                            Action::Block => String::new(),
                            other => format!(": {}", other.status().as_str()),
                        };
                        format!("{word} by an operator: {}", standing.reason)
                    });
                    let line = format!("{id} ({depth}) is {level}{decided}");
                    match (level, depth <= Depth::TransitiveL1) {
                        (SecurityLevel::Blocked, true) => stop.push(line),
                        (SecurityLevel::Blocked, false) => advisories.push(line),
                        _ => {}
                    }
                }
                RowState::Uncertified(why @ Uncertified::Mismatch(_)) => {
                    stop.push(format!("{id} ({depth}): {}", why.describe()));
                }
                RowState::Uncertified(Uncertified::BeyondDepth) => {}
                RowState::Uncertified(Uncertified::BeyondCap { .. }) => beyond_cap += 1,
                RowState::Uncertified(Uncertified::Stopped) if depth > Depth::Direct => not_audited += 1,
                RowState::Uncertified(why) => {
                    let line = format!("{id} ({depth}): {}", why.describe());
                    if depth == Depth::Direct { hold.push(line) } else { advisories.push(line) }
                }
            }
        }
        if beyond_cap > 0 {
            advisories.push(format!(
                "{beyond_cap} transitive package(s) lie beyond the audit cap of {} and are uncertified",
                audit.cap
            ));
        }
        if not_audited > 0 {
            advisories
                .push(format!("{not_audited} transitive package(s) were not audited, because the submission stops"));
        }
        if audit.is_empty() {
            hold.push("nothing found to check: the manifests declare no dependencies".to_owned());
        }
        let (next, reasons) = match (stop.is_empty(), hold.is_empty()) {
            (false, _) => (Next::Stop, stop),
            (true, false) => (Next::Hold, hold),
            (true, true) => (Next::Proceed, Vec::new()),
        };
        Self { next, reasons, advisories }
    }
}

impl Audit {
    /// What is not audited yet never is where the submission stops without it.
    pub(crate) fn leave_out_audits(&mut self) {
        if Coordination::of(self).next != Next::Stop {
            return;
        }
        for row in &mut self.rows {
            if row.state == RowState::Uncertified(Uncertified::NotAudited) {
                row.state = RowState::Uncertified(Uncertified::Stopped);
            }
        }
    }
}

impl Hall {
    /// Leaves out all audits of a project that stops without them.
    pub(crate) async fn stop_early(&self, drawn: &mut Drawn) -> Result<(), AuditError> {
        let row = |(package, plan): &(ResolvedPackage, Plan)| {
            let state = match plan {
                Plan::Settled(state) => state.clone(),
                Plan::Audit => RowState::Uncertified(Uncertified::NotAudited),
            };
            Row { package: package.clone(), state, incidents: Vec::new(), standing: None }
        };
        let mut audit = Audit { rows: drawn.packages.iter().map(row).collect(), ..drawn.audit.clone() };
        self.note_standings(&mut audit.rows).await?;
        if Coordination::of(&audit).next != Next::Stop {
            return Ok(());
        }
        for (_, plan) in &mut drawn.packages {
            if matches!(plan, Plan::Audit) {
                *plan = Plan::Settled(RowState::Uncertified(Uncertified::Stopped));
            }
        }
        Ok(())
    }
}
