//! Everything between the packages' certificates and the ruling, in the order in which it happens.

use serde::{Deserialize, Serialize};
use sigma_analysis::Submitted;
use sigma_certificate::PackageAnalysis;
use sigma_core::{
    CodeDossier, CodeLanguage, Execution, ExecutionStatus, Origin, Preprocess, ResolvedPackage, Ruling, Timestamp,
};
use sigma_council::Round;
use sigma_ecosystem::FetchError;
use sigma_sandbox::{Code, File, Job};
use sigma_store::StoredTranscript;

use super::install::{Installable, Installed, install};
use super::{Intake, dossier};
use crate::audit_package::Shortfall;
use crate::{Audit, AuditError, Hall, Progress, Step};

/// A submission, examined: all that a certificate is sealed from, except the ruling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Examination {
    /// All that the council sees.
    pub dossier: CodeDossier,
    /// What the submission is called.
    pub name: String,
    /// The folder under review.
    pub folder: String,
    /// The entry point relative to the root of the repository.
    pub entry: Option<String>,
    /// The block of schema 4.
    pub packages: Option<PackageAnalysis>,
    /// When the code was run.
    pub run_at: Option<Timestamp>,
    /// What was left out on the way, in sentences.
    pub disclosures: Vec<String>,
}

impl Hall {
    /// Examines a submission whose packages stand in nobody's way.
    ///
    /// # Errors
    /// Our own faults only. What is wrong with the submission is in the dossier.
    pub async fn examine_code(
        &self,
        intake: &Intake,
        audit: Option<&Audit>,
        progress: &dyn Progress,
    ) -> Result<Examination, AuditError> {
        let name = intake.name();
        progress.step(Step::Analysing { package: &name });
        let preprocess = self.preprocess(intake).await?;
        let mut disclosures = intake.disclosed.clone();
        let (execution, run_at) = match intake.language {
            Some(language) => {
                progress.step(Step::Running { submission: &name });
                let execution = self.run(intake, &preprocess, language, audit, &mut disclosures, progress).await?;
                let ran = execution.tier.is_some();
                (Some(execution), ran.then(|| self.now()))
            }
            None => (None, None),
        };
        let probes = match (intake.category.has_api(), &preprocess.skill) {
            (true, Some(skill)) => {
                progress.step(Step::Probing { submission: &name });
                sigma_intake::probe::endpoints(&self.review.probes, &skill.external_calls).await
            }
            _ => Vec::new(),
        };
        let packages = audit.map(|audit| audit.package_analysis(&self.config.prices));
        let dossier = CodeDossier {
            category: intake.category,
            origin: intake.tree.origin.clone(),
            files: intake.tree.file_set(),
            preprocess,
            execution,
            probes,
            packages: packages.as_ref().map(dossier::packages),
            note: intake.note.clone(),
        };
        let (folder, entry) = (intake.tree.folder.clone(), intake.entry_in_repository());
        Ok(Examination { dossier, name, folder, entry, packages, run_at, disclosures })
    }

    /// Lets the council decide, and keeps what its models were asked.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn rule_code(&self, examination: &Examination, progress: &dyn Progress) -> Result<Ruling, AuditError> {
        progress.step(Step::Council { package: &examination.name });
        let round = self.review.council.round_code(&examination.dossier).await;
        self.keep_round(round).await
    }

    /// Keeps what the models of a round were asked, before anything is sealed of it.
    pub(crate) async fn keep_round(&self, round: Round) -> Result<Ruling, AuditError> {
        let transcripts: Vec<StoredTranscript> = round
            .transcripts
            .into_iter()
            .map(|one| StoredTranscript {
                prompt_sha256: one.prompt_sha256,
                validator: one.validator,
                request: one.request,
                answer: one.answer.unwrap_or_default(),
            })
            .collect();
        self.store.keep_transcripts(&transcripts, self.now()).await?;
        Ok(round.ruling)
    }

    /// The first stage, on a thread of the analyses.
    pub(crate) async fn preprocess(&self, intake: &Intake) -> Result<Preprocess, AuditError> {
        let (analyser, intake) = (self.analyser.clone(), intake.clone());
        let (tell, told) = tokio::sync::oneshot::channel();
        self.analyses.spawn(move || {
            let preprocess = analyser.preprocess(Submitted {
                tree: &intake.tree,
                language: intake.language,
                entry: intake.entry.as_deref(),
                skill: intake.skill.as_ref(),
                manifests: &intake.manifests,
            });
            // Nobody waits any more when the review was dropped.
            let _ = tell.send(preprocess);
        });
        told.await.map_err(|_| AuditError::Internal("the analysis of a submission panicked".to_owned()))
    }

    /// Runs the code in isolation, with its certified packages laid out.
    async fn run(
        &self,
        intake: &Intake,
        preprocess: &Preprocess,
        language: CodeLanguage,
        audit: Option<&Audit>,
        disclosures: &mut Vec<String>,
        progress: &dyn Progress,
    ) -> Result<Execution, AuditError> {
        let sandbox = match &self.review.sandbox {
            Ok(sandbox) => sandbox.clone(),
            Err(why) => return Ok(Execution::skipped(why.clone())),
        };
        let Some(entry) = intake.entry.clone() else { return Ok(Execution::skipped("no entry point is declared")) };
        let installed = match audit {
            Some(audit) => match self.lay_out(language, audit, progress).await? {
                Ok(installed) => Some(installed),
                Err(why) => return Ok(Execution::failed(format!("its packages could not be laid out: {why}"))),
            },
            None => None,
        };
        if let Some(installed) = &installed {
            disclosures.extend(installed.missing.iter().map(|missing| format!("For the run, {missing}.")));
        }
        let file = |file: &sigma_core::SourceFile| File { path: file.path.clone(), bytes: file.bytes.clone() };
        let declared_hosts = preprocess.skill.iter().flat_map(|skill| &skill.external_calls);
        let declared_hosts = declared_hosts.filter_map(|call| sigma_analysis::declared_host(&call.url)).collect();
        let job = Job {
            language,
            code: Code::Files { files: intake.tree.files.iter().map(file).collect() },
            entry,
            kind: sigma_sandbox::Kind::Auto,
            dependencies: installed.as_ref().map(|installed| installed.path().to_owned()),
            declared_hosts,
            arguments: None,
            harness: None,
        };
        // Each run may take half a minute and half a gigabyte.
        let _turn = self.review.runs.acquire().await.map_err(|error| AuditError::Internal(error.to_string()))?;
        let (first, own) = (job.clone(), sandbox.clone());
        let ran = tokio::task::spawn_blocking(move || own.run(&first)).await;
        let mut execution = ran.map_err(|error| AuditError::Internal(format!("the run of a submission: {error}")))?;
        if let (Some(author), ExecutionStatus::Completed) = (&self.review.author, &execution.status) {
            let harness = self.run_by_model(author, intake, language, &sandbox, &job).await?;
            execution.harness = Some(Box::new(harness));
        }
        drop(installed);
        Ok(execution)
    }

    /// Lays out every certified package that a run may need. `Err` is why it cannot be done.
    async fn lay_out(
        &self,
        language: CodeLanguage,
        audit: &Audit,
        progress: &dyn Progress,
    ) -> Result<Result<Installed, String>, AuditError> {
        let certified = audit.rows.iter().filter(|row| row.certificate().is_some()).map(|row| row.package.clone());
        let packages = match self.installables(certified.collect(), progress).await? {
            Ok(packages) => packages,
            Err(why) => return Ok(Err(why)),
        };
        let laid_out = tokio::task::spawn_blocking(move || install(language, &packages));
        let laid_out = laid_out.await.map_err(|error| AuditError::Internal(error.to_string()))?;
        Ok(laid_out.map_err(|error| error.to_string()))
    }

    /// The verified bytes of certified packages, in their order. `Err` is why they cannot be had.
    pub(crate) async fn installables(
        &self,
        certified: Vec<ResolvedPackage>,
        progress: &dyn Progress,
    ) -> Result<Result<Vec<Installable>, String>, AuditError> {
        let mut packages = Vec::with_capacity(certified.len());
        for package in certified {
            let Some(preferred) = package.release.distributions.first() else { continue };
            // Certified bytes only: hashed again, and fetched again where this machine does not have them.
            let artifact = match self.artifact(preferred, &package.pinned, progress).await {
                Ok(Ok(artifact)) => artifact,
                // Sealed now, the certificate would say for good that the code ran without what it needs.
                Ok(Err(FetchError::Http(source))) if source.is_transient() => {
                    return Err(AuditError::Fetch { package: package.id, source });
                }
                Ok(Err(error)) => return Ok(Err(error.to_string())),
                Err(Shortfall::Error(error)) => return Err(error),
                Err(Shortfall::Mismatch(incident)) => return Ok(Err(format!("{} has changed", incident.filename))),
                Err(Shortfall::Unavailable(error)) => return Ok(Err(error.to_string())),
            };
            let (filename, kind) = (preferred.filename.clone(), preferred.kind);
            packages.push(Installable { package, filename, kind, path: artifact.path().to_owned() });
        }
        Ok(Ok(packages))
    }
}

impl Examination {
    /// The repository and commit that it is of; nothing for a dry run.
    pub(crate) fn repository(&self) -> Option<(&str, &str, &str)> {
        match &self.dossier.origin {
            Origin::Repository { url, requested, commit } => Some((url, requested, commit)),
            Origin::Folder => None,
        }
    }
}
