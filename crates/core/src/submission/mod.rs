//! Submissions of code: what somebody sends to be reviewed, and what each stage of the review says about it.

mod category;
mod dossier;
mod execution;
mod preprocess;
mod probe;
mod skill;
mod source;

pub use category::SubmissionCategory;
pub use dossier::{AdvisoryNote, CodeDossier, PackageFact, PackageFacts};
pub use execution::{
    Bounded, Execution, ExecutionStatus, Exercise, ModelHarness, NetworkAttempt, RiskFlag, SandboxTier, SpawnAttempt,
    Usage,
};
pub use preprocess::{CodeLanguage, ComplexityTier, Preprocess};
pub use probe::{EndpointProbe, ProbeOutcome};
pub use skill::{ExternalCall, ManifestDelta, SkillManifest};
pub use source::{Origin, SourceFile, SourceTree};
