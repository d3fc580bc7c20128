//! The vocabulary of SIGMA: what every room says about packages, code and certificates.
//!
//! In: nothing. Out: plain types. It must never do input or output, read a clock, or be async.
#![warn(missing_docs)]

mod advisory;
mod council;
mod delta;
mod dependency;
mod digest;
mod distribution;
mod entry_points;
mod finding;
mod graph;
mod level;
mod package;
mod provenance;
mod report;
#[cfg(feature = "schema")]
mod schema;
mod step;
mod submission;
mod target;
mod text;
mod time;
mod toml_depth;

pub use advisory::{Advisory, AdvisorySeverity, AdvisorySnapshot, AdvisoryState};
pub use council::{Ballot, CouncilVerdict, Dossier, ModelSeat, Phase, Reason, Ruling, Vote, Warning};
pub use delta::{Delta, DistributionDelta, FileDelta, Gain, NewBinary, NewRule, Roster};
pub use dependency::{
    Declared, DependencyKind, Location, LockedEdge, LockedPackage, Manifest, ManifestSource, Problem, Refusal, Refused,
};
pub use digest::{Authority, DigestError, Digests, ExpectedDigest, HashAlgorithm, Sha1, Sha256, Sha512};
pub use distribution::{Distribution, DistributionKind, People, Release};
pub use entry_points::{EntryPointRun, EntryPointRuns};
pub use finding::{Capability, Category, Confidence, Finding, Reach, Severity};
pub use graph::{Depth, Graph, Parent, ResolvedPackage, Unresolved, UnresolvedReason};
pub use level::{AnalysisType, SecurityLevel};
pub use package::{Ecosystem, NameError, PackageId, PackageName};
pub use provenance::{
    DistributionProvenance, KnownPublisher, ProvenanceStatus, PublisherChange, PublisherIdentity, UpstreamProvenance,
};
pub use report::{
    BinaryFile, Coverage, DistributionReport, FileEntry, FileSet, FileState, Report, SkipReason, Skipped, SourceState,
};
pub use step::{Step, order_versions};
pub use submission::{
    AdvisoryNote, Bounded, CodeDossier, CodeLanguage, ComplexityTier, EndpointProbe, Execution, ExecutionStatus,
    Exercise, ExternalCall, ManifestDelta, ModelHarness, NetworkAttempt, Origin, PackageFact, PackageFacts, Preprocess,
    ProbeOutcome, RiskFlag, SandboxTier, SkillManifest, SourceFile, SourceTree, SpawnAttempt, SubmissionCategory,
    Usage,
};
pub use target::{Arch, Os, Platform, PythonVersion, Target, TargetError};
pub use text::{base64, printable};
pub use time::Timestamp;
pub use toml_depth::toml_is_too_deep;
