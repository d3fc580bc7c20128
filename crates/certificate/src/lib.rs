//! Certificates: what is sealed, how its bytes are made, and how anyone computes the same hash.
//!
//! In: domain types. Out: canonical bytes (RFC 8785), their keccak256 hash, ids, and the public view. No input or
//! output, no keys.
#![warn(missing_docs)]

mod admit;
mod analysis_block;
mod canonical;
mod delta_entry;
mod file_list;
mod files_hash;
mod on_chain;
mod order;
mod package;
mod package_execution;
mod provenance_entry;
mod standing;
mod submission;
mod verify_view;
mod view;

pub use admit::{AdmitError, admit, admit_canonical};
pub use analysis_block::{
    BlockedTransitive, CertificationStatus, PackageAnalysis, PackageEntry, PackageSummary, ParentEntry,
    TransitiveDisclosure,
};
pub use canonical::{CanonicalError, canonical_bytes, content_id, payload_hash};
pub use delta_entry::DeltaEntry;
pub use file_list::{FILE_LISTS_TYPE, FileList, FileListError, FileLists};
pub use files_hash::{FILES_HASH_ALGORITHM, files_hash};
pub use on_chain::OnChain;
pub use package::{
    AdvisoryFields, BallotLine, CoverageSummary, DistributionEntry, PAYLOAD_HASH_ALGORITHM, PackageCertificate,
    PackagePayload, SCHEMA, SealError,
};
pub use package_execution::{EntryPointExecution, PackageExecution};
pub use provenance_entry::ProvenanceEntry;
pub use standing::{Action, CertificateStatus, Decision, OperatorDecision, effective_level, status};
pub use submission::{
    CodeReview, DeclaredCalls, EndpointReview, ExecutionSummary, HarnessSummary, IncludedFile, ManifestBlock,
    PreProcessorSummary, Review, SUBMISSION_SCHEMA, Safety, SandboxRisk, SourceBlock, SourceIntegrity, SourceType,
    SubmissionCertificate, SubmissionPayload, SubmissionVerifyView, SubmissionView,
};
pub use verify_view::{AdvisorySummary, SeverityCounts, VerifyView};
pub use view::{AdvisoryResolution, Endpoints, PackageView, Since, lacks_advisories};
