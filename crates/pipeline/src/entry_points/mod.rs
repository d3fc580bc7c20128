//! The commands of packages, run with `--help` in isolation: `console_scripts` of PyPI, `bin` of npm.
//!
//! In: an audit whose packages are settled. Out: the same audit, in which every package that declares commands has a certificate
//! that says what they did, or why they were not run. It is a second step, after all packages of the graph were audited,
//! because a command needs the dependencies of its package, and only certified ones are laid out. The certificate with the
//! runs replaces the one without. Nothing here runs an installation script.
//!
//! Who does not ask for runs is answered by either certificate; who does is never answered by one without them.

mod declared;
mod disclosed;
mod needed;
mod run;

use std::collections::HashMap;

use futures::StreamExt as _;
use sigma_certificate::PackageCertificate;
use sigma_core::{Ecosystem, EntryPointRuns, PackageId, ResolvedPackage, SecurityLevel};

pub(crate) use self::disclosed::executed;
use self::needed::{Needs, built_for_others};
pub(crate) use self::run::ARGUMENTS;
use crate::audit_package::{Examined, sealed_outcome};
use crate::audit_project::state;
use crate::{Audit, AuditError, Hall, PackageOutcome, Progress, Row, RowState, Step};

/// A package whose commands are to be run.
struct Wanted {
    id: PackageId,
    /// The package as it is audited.
    package: ResolvedPackage,
    /// The certificate that says nothing of runs.
    certificate: PackageCertificate,
    /// The package and what it needs, or what stands in the way.
    needed: Result<Vec<ResolvedPackage>, String>,
}

impl Hall {
    /// Runs the commands of all packages of an audit, where that is configured. Asked again, it runs only what was not run.
    pub(crate) async fn run_entry_points(&self, audit: &mut Audit, progress: &dyn Progress) -> Result<(), AuditError> {
        if !self.review.run_entry_points {
            return Ok(());
        }
        let wanted = self.with_commands(audit).await?;
        let parallel = self.config.parallel_packages.max(1);
        let work: Vec<_> = wanted.into_iter().map(|one| self.with_runs(one, progress)).collect();
        let mut running = futures::stream::iter(work).buffered(parallel);
        let mut settled: HashMap<PackageId, RowState> = HashMap::new();
        while let Some(outcome) = running.next().await {
            let (id, state) = outcome?;
            settled.insert(id, state);
        }
        for row in &mut audit.rows {
            if let Some(state) = settled.get(&row.package.id).filter(|_| row.certificate().is_some()) {
                row.state = state.clone();
            }
        }
        self.note_standings(&mut audit.rows).await
    }

    /// The packages that declare commands, and whose certificates do not say what those did.
    async fn with_commands(&self, audit: &Audit) -> Result<Vec<Wanted>, AuditError> {
        let needs = Needs::new(audit);
        let mut wanted: Vec<Wanted> = Vec::new();
        for row in &audit.rows {
            let id = &row.package.id;
            let Some(certificate) = row.certificate() else { continue };
            // What is blocked is not run: nobody is to start it anyway.
            if row.level() == Some(SecurityLevel::Blocked) || wanted.iter().any(|one| one.id == *id) {
                continue;
            }
            let before = certificate.payload().execution.as_ref();
            if before.is_some_and(|before| !before.was_prevented()) {
                continue;
            }
            if before.is_none() && !self.declares_commands(certificate).await? {
                continue;
            }
            let needed = self.may_run(row, &needs, audit);
            // What stood in the way and still does is told already.
            if before.is_some() && needed.is_err() {
                continue;
            }
            let (id, package, certificate) = (id.clone(), row.package.clone(), certificate.clone());
            wanted.push(Wanted { id, package, certificate, needed });
        }
        Ok(wanted)
    }

    /// Whether the distribution that is installed declares commands: its report says so.
    async fn declares_commands(&self, certificate: &PackageCertificate) -> Result<bool, AuditError> {
        let report = self.stored_report(certificate).await?;
        // A report that cannot be read says nothing, and then the distribution itself is looked at.
        Ok(report.is_none_or(|report| report.distributions.first().is_none_or(|one| !one.entry_points.is_empty())))
    }

    fn may_run(&self, row: &Row, needs: &Needs<'_>, audit: &Audit) -> Result<Vec<ResolvedPackage>, String> {
        let sandbox = self.review.sandbox.as_ref().map_err(Clone::clone)?;
        let packages = needs.of(row)?;
        match row.package.id.ecosystem() {
            Ecosystem::Pypi => {
                let python = sandbox.interpreters.python.as_ref().ok_or("Python 3 was not found on this machine")?;
                let minor = |version: sigma_core::PythonVersion| (version.major, version.minor);
                let here = format!("linux-{}", if cfg!(target_arch = "x86_64") { "x64" } else { "arm64" });
                let same = self.review.python.map(minor) == Some(minor(audit.target.python))
                    && audit.target.platform.to_string() == here;
                match built_for_others(&packages).filter(|_| !same) {
                    Some(wheel) => Err(format!(
                        "{wheel} is compiled for Python {} on {}, and the sandbox has {}",
                        audit.target.python, audit.target.platform, python.version
                    )),
                    None => Ok(packages),
                }
            }
            Ecosystem::Npm => {
                sandbox.interpreters.node.as_ref().ok_or("Node.js was not found on this machine")?;
                Ok(packages)
            }
        }
    }

    /// Runs the commands of one package and has it judged again with what they did.
    async fn with_runs(&self, wanted: Wanted, progress: &dyn Progress) -> Result<(PackageId, RowState), AuditError> {
        let Wanted { id, package, mut certificate, needed } = wanted;
        let _claim = self.store.claim(&id).await?;
        // Somebody else may have been faster.
        match self.known(&package).await? {
            Some(PackageOutcome::Cached(newest)) => {
                if newest.payload().execution.as_ref().is_some_and(|ran| !ran.was_prevented() || needed.is_err()) {
                    return Ok((id, RowState::Cached(newest)));
                }
                certificate = *newest;
            }
            Some(outcome) => return Ok((id, state(outcome))),
            None => {}
        }
        let runs = match needed {
            Ok(packages) => self.start_commands(packages, progress).await?,
            Err(obstacle) => EntryPointRuns::skipped(obstacle, self.now()),
        };
        // The same obstacle as before is told already: whoever asks again must not fill the store with it.
        let before = certificate.payload().execution.as_ref().and_then(|before| before.reason.as_ref());
        if runs.obstacle.is_some() && runs.obstacle.as_ref() == before {
            return Ok((id, RowState::Cached(Box::new(certificate))));
        }
        let advisories = self.advisories(std::slice::from_ref(&id)).await.remove(&id);
        let advisories =
            advisories.ok_or_else(|| AuditError::Internal(format!("no advisory snapshot was taken for {id}")))?;
        // The same predecessor as before: what is new in it does not change by being run.
        let predecessor = match &certificate.payload().delta {
            Some(delta) => self.store.certificate(&delta.previous_certificate).await?.map(|sealed| sealed.certificate),
            None => None,
        };
        let examined =
            self.examine(&package, advisories, predecessor, Some(&certificate), Some(runs), progress).await?;
        progress.step(Step::Finished { package: &id.to_string() });
        let outcome = match examined {
            Examined::Sealed(sealed) => sealed_outcome(&sealed, self.store.insert(&sealed).await?),
            // It was certified without runs, and that is not what was asked for.
            Examined::Settled(outcome) => outcome,
        };
        Ok((id, state(outcome)))
    }
}
