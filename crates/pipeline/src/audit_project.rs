//! A project's manifests, from declared dependencies to a certificate or a reason for each.

use std::collections::HashMap;

use futures::StreamExt as _;
use sigma_certificate::PackageCertificate;
use sigma_core::{AdvisorySnapshot, Depth, Graph, Manifest, PackageId, ResolvedPackage, Target};
use sigma_store::{Incident, Wanted};

use crate::audit_package::wanted_digests;
use crate::{Audit, AuditError, Coordination, Hall, Next, PackageOutcome, Progress, Row, RowState, Step, Uncertified};

/// How far an audit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditOptions {
    /// What to resolve for.
    pub target: Target,
    /// Levels of transitive dependencies to audit: 0 (direct dependencies only) to 3.
    pub depth: u8,
    /// How many transitive packages are audited anew at most; what lies beyond is disclosed as uncertified.
    pub cap: usize,
    /// Resolve anew even if the same question was answered a moment ago.
    pub refresh: bool,
    /// Only resolve and look up; audit nothing.
    pub preview: bool,
    /// Audit nothing of a submission that is certain to stop; see [`Coordination`].
    pub stop_early: bool,
}

impl Default for AuditOptions {
    fn default() -> Self {
        // 250: the transitive packages of an ordinary large project; a bound on cost, not a judgement.
        Self { target: Target::default(), depth: 3, cap: 250, refresh: false, preview: false, stop_early: false }
    }
}

/// What is to be done about a package of the graph.
pub(crate) enum Plan {
    Settled(RowState),
    Audit,
}

/// A project, resolved and looked up: what is known before any audit.
pub(crate) struct Drawn {
    /// What the manifests and graphs say; no rows yet.
    pub audit: Audit,
    /// The packages, sorted by depth and id, and what is to be done about each.
    pub packages: Vec<(ResolvedPackage, Plan)>,
}

impl Drawn {
    /// The packages to be audited.
    pub fn to_audit(&self) -> Vec<PackageId> {
        let audited = self.packages.iter().filter(|(_, plan)| matches!(plan, Plan::Audit));
        audited.map(|(package, _)| package.id.clone()).collect()
    }

    /// How many packages are certified already.
    pub fn cached(&self) -> usize {
        self.packages.iter().filter(|(_, plan)| matches!(plan, Plan::Settled(RowState::Cached(_)))).count()
    }
}

impl Hall {
    /// Audits every dependency of a project.
    pub async fn audit_project(
        &self,
        manifests: Vec<Manifest>,
        options: &AuditOptions,
        progress: &dyn Progress,
    ) -> Result<Audit, AuditError> {
        let drawn = self.draw_up(manifests, options, progress).await?;
        let to_audit = drawn.to_audit();
        let mut advisories = self.advisories(&to_audit).await;
        let mut predecessors = self.predecessors(&to_audit).await?;
        let Drawn { mut audit, packages } = drawn;
        let mut incidents =
            self.store.incidents_of(&packages.iter().map(|(package, _)| &package.id).collect::<Vec<_>>()).await?;
        let work = packages.into_iter().map(|(package, plan)| {
            let (snapshot, incidents) = (advisories.remove(&package.id), incidents.remove(&package.id));
            let known = snapshot.map(|snapshot| (snapshot, predecessors.remove(&package.id)));
            self.settle(package, incidents.unwrap_or_default(), plan, known, progress)
        });
        let parallel = self.config.parallel_packages.max(1);
        let work: Vec<_> = work.collect();
        let mut rows = Vec::with_capacity(work.len());
        let mut running = futures::stream::iter(work).buffered(parallel);
        while let Some(row) = running.next().await {
            rows.push(row?);
        }
        self.note_standings(&mut rows).await?;
        audit.rows = rows;
        if options.preview && options.stop_early {
            audit.leave_out_audits();
        }
        let stops = options.stop_early && Coordination::of(&audit).next == Next::Stop;
        if !options.preview && !stops {
            self.run_entry_points(&mut audit, progress).await?;
        }
        Ok(audit)
    }

    /// Notes what operators decided about the certificates of rows.
    pub(crate) async fn note_standings(&self, rows: &mut [Row]) -> Result<(), AuditError> {
        let ids: Vec<String> =
            rows.iter().filter_map(Row::certificate).map(|certificate| certificate.id().to_owned()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let standings = self.store.standings(&ids).await?;
        for row in rows {
            row.standing = row.certificate().and_then(|certificate| standings.get(certificate.id()).cloned());
        }
        Ok(())
    }

    /// Resolves the manifests and looks all packages up.
    pub(crate) async fn draw_up(
        &self,
        manifests: Vec<Manifest>,
        options: &AuditOptions,
        progress: &dyn Progress,
    ) -> Result<Drawn, AuditError> {
        let mut audit = empty(options);
        let mut packages = Vec::new();
        for manifest in manifests {
            let (graph, at) = self.resolve(&manifest, &options.target, options.refresh, progress).await?;
            audit.resolved_at = Some(audit.resolved_at.map_or(at, |earlier| earlier.min(at)));
            packages.extend(note(&mut audit, manifest, graph));
        }
        packages.sort_by(|a, b| (a.depth, &a.id).cmp(&(b.depth, &b.id)));
        let plans = self.plan(&packages, options).await?;
        let mut drawn = Drawn { audit, packages: packages.into_iter().zip(plans).collect() };
        if options.stop_early && !options.preview {
            self.stop_early(&mut drawn).await?;
        }
        let (packages, cached) = (drawn.packages.len(), drawn.cached());
        progress.step(Step::Resolved { packages, cached, to_audit: drawn.to_audit().len() });
        Ok(drawn)
    }

    /// Looks every package up at once, and decides which ones are audited: all direct ones, then transitive ones from
    /// the nearest on until the cap is reached.
    async fn plan(&self, packages: &[ResolvedPackage], options: &AuditOptions) -> Result<Vec<Plan>, AuditError> {
        let digests: Vec<_> = packages.iter().map(wanted_digests).collect();
        let wanted: Vec<Wanted<'_>> =
            packages.iter().zip(&digests).map(|(package, digests)| Wanted { package: &package.id, digests }).collect();
        let mut certified = self.store.lookup(&wanted, self.analyser.ruleset()).await?;
        let mut transitive_audits = 0;
        let plans = packages.iter().enumerate().map(|(index, package)| {
            if package.depth > Depth::from_level(usize::from(options.depth)) {
                return Plan::Settled(RowState::Uncertified(Uncertified::BeyondDepth));
            }
            if let Some(certificate) = certified.remove(&index) {
                return Plan::Settled(RowState::Cached(Box::new(certificate)));
            }
            if package.depth > Depth::Direct {
                if transitive_audits == options.cap {
                    return Plan::Settled(RowState::Uncertified(Uncertified::BeyondCap { cap: options.cap }));
                }
                transitive_audits += 1;
            }
            if options.preview {
                return Plan::Settled(RowState::Uncertified(Uncertified::NotAudited));
            }
            Plan::Audit
        });
        Ok(plans.collect())
    }

    pub(crate) async fn advisories(&self, packages: &[PackageId]) -> HashMap<PackageId, AdvisorySnapshot> {
        let snapshots = self.ecosystems.advisories(packages, self.now()).await;
        packages.iter().cloned().zip(snapshots).collect()
    }

    async fn settle(
        &self,
        package: ResolvedPackage,
        incidents: Vec<Incident>,
        plan: Plan,
        known: Option<(AdvisorySnapshot, Option<PackageCertificate>)>,
        progress: &dyn Progress,
    ) -> Result<Row, AuditError> {
        let state = match (plan, known) {
            (Plan::Settled(state), _) => state,
            (Plan::Audit, Some((advisories, predecessor))) => {
                let outcome = self.audit_package(&package, advisories, predecessor, progress).await;
                progress.step(Step::Finished { package: &package.id.to_string() });
                state(outcome?)
            }
            (Plan::Audit, None) => {
                return Err(AuditError::Internal(format!("no advisory snapshot was taken for {}", package.id)));
            }
        };
        Ok(Row { package, state, incidents, standing: None })
    }
}

/// The row of a package whose audit ended so.
pub(crate) fn state(outcome: PackageOutcome) -> RowState {
    match outcome {
        PackageOutcome::Audited(certificate) => RowState::Audited(certificate),
        PackageOutcome::Cached(certificate) => RowState::Cached(certificate),
        PackageOutcome::Escalated { rationale, warnings } => {
            RowState::Uncertified(Uncertified::Escalated { rationale, warnings })
        }
        PackageOutcome::Mismatch(incident) => RowState::Uncertified(Uncertified::Mismatch(incident)),
        PackageOutcome::Unavailable { why, .. } => RowState::Uncertified(Uncertified::Unavailable(why)),
    }
}

/// An audit of which nothing is known yet.
pub(crate) fn empty(options: &AuditOptions) -> Audit {
    Audit {
        target: options.target,
        manifests: Vec::new(),
        resolved_at: None,
        rows: Vec::new(),
        refused: Vec::new(),
        unresolved: Vec::new(),
        excluded: Vec::new(),
        problems: Vec::new(),
        depth: options.depth,
        cap: options.cap,
    }
}

/// Moves what a manifest and its graph say into the audit, and hands the packages on.
fn note(audit: &mut Audit, manifest: Manifest, graph: Graph) -> Vec<ResolvedPackage> {
    audit.manifests.push((manifest.ecosystem, manifest.files));
    audit.refused.extend(manifest.refused);
    audit.problems.extend(manifest.problems);
    audit.unresolved.extend(graph.unresolved);
    audit.excluded.extend(graph.excluded);
    graph.packages
}
