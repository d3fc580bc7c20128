//! A second run of submitted code, by a harness that a model wrote.
//!
//! In: a submission that was run by the generated harness. Out: what was seen when the model's was run, or why it was not. The
//! generated one is always run, and first: a model adds to what is seen, and can hide nothing. What it wrote runs in the sandbox
//! only, and what that run tries is told as the harness's, apart from the counts of the first.

use sigma_core::{CodeLanguage, Execution, ExecutionStatus, ModelHarness, Sha256};
use sigma_council::{Author, HarnessSubject};
use sigma_sandbox::{Job, Sandbox};
use sigma_store::StoredTranscript;

use super::Intake;
use crate::{AuditError, Hall};

impl Hall {
    /// Asks the model and runs what it wrote, in place of the generated harness of `job`.
    pub(super) async fn run_by_model(
        &self,
        author: &Author,
        intake: &Intake,
        language: CodeLanguage,
        sandbox: &Sandbox,
        job: &Job,
    ) -> Result<ModelHarness, AuditError> {
        let signatures = sigma_analysis::signatures(&intake.tree, language, &job.entry);
        let subject = HarnessSubject {
            language,
            entry: job.entry.clone(),
            signatures: signatures.into_iter().map(|one| (one.file, one.text)).collect(),
        };
        let authored = author.write(&subject).await;
        if let (Some(request), Some(prompt_sha256)) = (authored.request, authored.seat.prompt_sha256) {
            let answer = authored.answer.unwrap_or_default();
            let transcript = StoredTranscript { prompt_sha256, validator: authored.id, request, answer };
            self.store.keep_transcripts(&[transcript], self.now()).await?;
        }
        let mut harness = ModelHarness { author: authored.seat, fallback: None, source_sha256: None, run: None };
        match authored.harness {
            Ok(source) => {
                harness.source_sha256 = Some(Sha256::of(source.as_bytes()));
                let (sandbox, job) = (sandbox.clone(), Job { harness: Some(source), ..job.clone() });
                let ran = tokio::task::spawn_blocking(move || sandbox.run(&job)).await;
                let ran = ran.map_err(|error| AuditError::Internal(format!("the run of a harness: {error}")))?;
                match &ran.status {
                    ExecutionStatus::Completed => harness.run = Some(unmeasured(ran)),
                    ExecutionStatus::Skipped { reason } | ExecutionStatus::Error { reason } => {
                        harness.fallback = Some(format!("its harness could not be run: {reason}"));
                    }
                }
            }
            Err(why) => harness.fallback = Some(why),
        }
        Ok(harness)
    }
}

/// What a harness of a model says of itself is worth nothing; only what the supervisor saw is kept.
fn unmeasured(ran: Execution) -> Execution {
    Execution { functions_reached: 0, functions_total: None, ..ran }
}
