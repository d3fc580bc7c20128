//! What a submission waits for: the graph as it was resolved once, and what is done about each package.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sigma_core::{
    Authority, Ecosystem, PackageId, Problem, Refused, ResolvedPackage, SecurityLevel, Timestamp, Unresolved, Warning,
};
use sigma_store::{Incident, JobId, JobState, Wanted};

use crate::audit_package::wanted_digests;
use crate::audit_project::{Drawn, Plan, empty};
use crate::{Audit, AuditError, Hall, PackageOutcome, Project, Row, RowState, Uncertified};

/// The plan, as it is stored with the submission.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredPlan {
    pub manifests: Vec<(Ecosystem, Vec<String>)>,
    pub resolved_at: Option<Timestamp>,
    pub refused: Vec<Refused>,
    pub unresolved: Vec<Unresolved>,
    pub excluded: Vec<String>,
    pub problems: Vec<Problem>,
    pub packages: Vec<Planned>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub package: ResolvedPackage,
    pub todo: Todo,
}

/// What is done about a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Todo {
    /// Nothing: it is certified.
    Cached,
    /// Nothing: it lies too deep.
    BeyondDepth,
    /// Nothing: the cap was reached.
    BeyondCap,
    /// Nothing: the submission stops whatever an audit comes to.
    Stopped,
    /// It is audited by a job.
    Audit {
        /// The job.
        job: String,
        /// The lease that the job had when this submission asked for it. `None`: somebody else had, and it costs nothing here.
        opened: Option<i64>,
    },
}

/// What became of a package's job, as it is stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "status")]
pub(crate) enum JobOutcome {
    /// A certificate was sealed, by the run with this lease: for whoever had asked last before it.
    Audited { certificate_id: String, security_level: SecurityLevel, lease: i64 },
    /// There was one already.
    Cached { certificate_id: String, security_level: SecurityLevel },
    /// An operator decides.
    Escalated { rationale: String, warnings: Vec<Warning> },
    /// The bytes are not the published or pinned ones.
    Mismatch { filename: String, expected: String, got: String, authority: Authority, seen_at: Timestamp },
    /// The ecosystem did not give the bytes.
    Unavailable { why: String },
}

impl JobOutcome {
    /// What a run with this lease came to.
    pub fn of(outcome: PackageOutcome, lease: i64) -> Self {
        let parts = |certificate: &sigma_certificate::PackageCertificate| {
            (certificate.id().to_owned(), certificate.payload().security_level)
        };
        match outcome {
            PackageOutcome::Audited(certificate) => {
                let (certificate_id, security_level) = parts(&certificate);
                Self::Audited { certificate_id, security_level, lease }
            }
            PackageOutcome::Cached(certificate) => {
                let (certificate_id, security_level) = parts(&certificate);
                Self::Cached { certificate_id, security_level }
            }
            PackageOutcome::Escalated { rationale, warnings } => Self::Escalated { rationale, warnings },
            PackageOutcome::Mismatch(incident) => {
                let Incident { filename, expected, got, authority, seen_at } = incident;
                Self::Mismatch { filename, expected, got, authority, seen_at }
            }
            PackageOutcome::Unavailable { why, .. } => Self::Unavailable { why },
        }
    }

    fn uncertified(self) -> Uncertified {
        match self {
            Self::Escalated { rationale, warnings } => Uncertified::Escalated { rationale, warnings },
            Self::Mismatch { filename, expected, got, authority, seen_at } => {
                Uncertified::Mismatch(Incident { filename, expected, got, authority, seen_at })
            }
            Self::Unavailable { why } => Uncertified::Unavailable(why),
            Self::Audited { .. } | Self::Cached { .. } => {
                Uncertified::Unavailable("its certificate does not count any more".to_owned())
            }
        }
    }
}

impl StoredPlan {
    /// From a project as it was drawn up. `jobs` names the job of each package to be audited.
    pub fn of(drawn: Drawn, jobs: &BTreeMap<PackageId, JobId>) -> Self {
        let Audit { manifests, resolved_at, refused, unresolved, excluded, problems, .. } = drawn.audit;
        let todo = |package: &ResolvedPackage, plan: Plan| match plan {
            Plan::Settled(RowState::Uncertified(Uncertified::BeyondDepth)) => Todo::BeyondDepth,
            Plan::Settled(RowState::Uncertified(Uncertified::Stopped)) => Todo::Stopped,
            Plan::Settled(RowState::Uncertified(_)) => Todo::BeyondCap,
            Plan::Settled(_) => Todo::Cached,
            Plan::Audit => match jobs.get(&package.id) {
                Some(job) => Todo::Audit { job: job.to_string(), opened: None },
                None => Todo::Cached,
            },
        };
        let planned = |(package, plan)| Planned { todo: todo(&package, plan), package };
        let packages = drawn.packages.into_iter().map(planned).collect();
        Self { manifests, resolved_at, refused, unresolved, excluded, problems, packages }
    }
}

impl Hall {
    /// Every package of a plan as it stands now that its jobs are settled.
    pub(crate) async fn assemble(&self, project: &Project, plan: StoredPlan) -> Result<Audit, AuditError> {
        let packages: Vec<&ResolvedPackage> = plan.packages.iter().map(|one| &one.package).collect();
        let digests: Vec<_> = packages.iter().map(|package| wanted_digests(package)).collect();
        let wanted: Vec<Wanted<'_>> =
            packages.iter().zip(&digests).map(|(package, digests)| Wanted { package: &package.id, digests }).collect();
        let mut certified = self.store.lookup(&wanted, self.analyser.ruleset()).await?;
        let ids: Vec<&PackageId> = packages.iter().map(|package| &package.id).collect();
        let mut incidents = self.store.incidents_of(&ids).await?;
        let mut rows = Vec::with_capacity(plan.packages.len());
        for (index, Planned { package, todo }) in plan.packages.into_iter().enumerate() {
            let certificate = certified.remove(&index).map(Box::new);
            let state = match (todo, certificate) {
                (Todo::BeyondDepth, _) => RowState::Uncertified(Uncertified::BeyondDepth),
                (Todo::BeyondCap, None) => RowState::Uncertified(Uncertified::BeyondCap { cap: project.cap }),
                (Todo::Stopped, None) => RowState::Uncertified(Uncertified::Stopped),
                (Todo::Cached | Todo::BeyondCap | Todo::Stopped, Some(certificate)) => RowState::Cached(certificate),
                (Todo::Cached, None) => RowState::Uncertified(Uncertified::Unavailable(
                    "its certificate does not count any more".to_owned(),
                )),
                (Todo::Audit { job, opened }, certificate) => self.job_state(&job, opened, certificate).await?,
            };
            let incidents = incidents.remove(&package.id).unwrap_or_default();
            rows.push(Row { package, state, incidents, standing: None });
        }
        self.note_standings(&mut rows).await?;
        let StoredPlan { manifests, resolved_at, refused, unresolved, excluded, problems, .. } = plan;
        let audit = empty(&project.options());
        Ok(Audit { manifests, resolved_at, rows, refused, unresolved, excluded, problems, ..audit })
    }

    async fn job_state(
        &self,
        job: &str,
        opened: Option<i64>,
        certificate: Option<Box<sigma_certificate::PackageCertificate>>,
    ) -> Result<RowState, AuditError> {
        let known = self.store.job_outcome(&JobId::named(job)).await?;
        let outcome = known.as_ref().and_then(|(_, bytes)| serde_json::from_slice::<JobOutcome>(bytes).ok());
        Ok(match (certificate, outcome) {
            (Some(certificate), Some(JobOutcome::Audited { lease, .. }))
                if opened.is_some_and(|opened| opened < lease) =>
            {
                RowState::Audited(certificate)
            }
            // A wrong pin is this project's business, whoever certified the bytes that are published.
            (Some(certificate), outcome) if !matches!(outcome, Some(JobOutcome::Mismatch { .. })) => {
                RowState::Cached(certificate)
            }
            (_, Some(outcome)) => RowState::Uncertified(outcome.uncertified()),
            (_, None) => RowState::Uncertified(Uncertified::Unavailable(match known {
                Some((JobState::Dead, _)) => format!("its audit failed and waits for an operator ({job})"),
                _ => format!("its audit left no outcome ({job})"),
            })),
        })
    }
}
