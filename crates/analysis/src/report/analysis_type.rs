//! How much of a release was analysed.

use sigma_core::{AnalysisType, DistributionReport};

/// FULL when everything was read and nothing is compiled; BINARY_ONLY when there is native code and no source at all;
/// PARTIAL otherwise. A release of which nothing was read at all is PARTIAL: "not checked" is not "nothing found".
pub fn analysis_type(distributions: &[DistributionReport]) -> AnalysisType {
    let sources: u64 = distributions.iter().map(|report| report.coverage.source_files).sum();
    let binaries = distributions.iter().any(|report| !report.coverage.binaries.is_empty());
    let gaps = distributions.iter().any(|report| report.coverage.has_gaps());
    if binaries && sources == 0 {
        AnalysisType::BinaryOnly
    } else if binaries || gaps || distributions.is_empty() {
        AnalysisType::Partial
    } else {
        AnalysisType::Full
    }
}
