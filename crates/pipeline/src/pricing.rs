//! What an audit costs: a tier by size, a price by tier.

use serde::{Deserialize, Serialize};
use sigma_certificate::{CoverageSummary, PackagePayload};
use sigma_core::ComplexityTier;

/// The tier of a certified package. It follows from the preferred distribution: `high-complex` from 8 MiB of source or
/// 2,000 source files, `complex` from 1 MiB or 250 files or any native code, `standard` below.
pub(crate) fn tier_of(payload: &PackagePayload) -> ComplexityTier {
    payload.distributions.first().map_or(ComplexityTier::Standard, |distribution| of_coverage(&distribution.coverage))
}

/// A guess before anything was read, from the size of the packed file: source packs to about a quarter.
pub(crate) fn estimate(packed_bytes: Option<u64>) -> ComplexityTier {
    const MIB: u64 = 1 << 20;
    match packed_bytes.unwrap_or(0).saturating_mul(4) {
        bytes if bytes >= 8 * MIB => ComplexityTier::HighComplex,
        bytes if bytes >= MIB => ComplexityTier::Complex,
        _ => ComplexityTier::Standard,
    }
}

fn of_coverage(coverage: &CoverageSummary) -> ComplexityTier {
    const MIB: u64 = 1 << 20;
    if coverage.source_bytes >= 8 * MIB || coverage.source_files >= 2_000 {
        ComplexityTier::HighComplex
    } else if coverage.source_bytes >= MIB || coverage.source_files >= 250 || coverage.binaries > 0 {
        ComplexityTier::Complex
    } else {
        ComplexityTier::Standard
    }
}

/// Prices in whole USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceTable {
    /// A standard package.
    pub standard: u64,
    /// A complex package.
    pub complex: u64,
    /// A high-complex package.
    pub high_complex: u64,
}

impl Default for PriceTable {
    fn default() -> Self {
        Self { standard: 2, complex: 4, high_complex: 8 }
    }
}

impl PriceTable {
    /// The price of a tier.
    pub fn price(&self, tier: ComplexityTier) -> u64 {
        match tier {
            ComplexityTier::Standard => self.standard,
            ComplexityTier::Complex => self.complex,
            ComplexityTier::HighComplex => self.high_complex,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_follow_size_and_native_code() {
        let check = |source_files, source_bytes, binaries, expect: &str| {
            let coverage = CoverageSummary {
                files: source_files,
                bytes: source_bytes,
                source_files,
                source_bytes,
                parsed: source_files,
                token_scanned: 0,
                binaries,
                gaps: 0,
            };
            assert_eq!(of_coverage(&coverage).to_string(), expect);
        };
        check(10, 100_000, 0, "standard");
        check(10, 100_000, 1, "complex");
        check(250, 100_000, 0, "complex");
        check(10, 8 << 20, 0, "high-complex");
    }
}
