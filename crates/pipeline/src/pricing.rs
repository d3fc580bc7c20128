//! What an audit costs: a tier by size, a price by tier.

use std::fmt;

use serde::{Deserialize, Serialize};
use sigma_certificate::{CoverageSummary, PackagePayload};

/// How much there is to look at.
///
/// The tier follows from the preferred distribution: `high-complex` from 8 MiB of source or 2,000 source files,
/// `complex` from 1 MiB or 250 files or any native code, `standard` below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComplexityTier {
    /// A small package.
    Standard,
    /// A large one, or one with native code.
    Complex,
    /// A very large one.
    HighComplex,
}

impl ComplexityTier {
    /// The tier of a certified package.
    pub fn of(payload: &PackagePayload) -> Self {
        payload.distributions.first().map_or(Self::Standard, |distribution| Self::of_coverage(&distribution.coverage))
    }

    /// A guess before anything was read, from the size of the packed file: source packs to about a quarter.
    pub fn estimate(packed_bytes: Option<u64>) -> Self {
        const MIB: u64 = 1 << 20;
        match packed_bytes.unwrap_or(0).saturating_mul(4) {
            bytes if bytes >= 8 * MIB => Self::HighComplex,
            bytes if bytes >= MIB => Self::Complex,
            _ => Self::Standard,
        }
    }

    fn of_coverage(coverage: &CoverageSummary) -> Self {
        const MIB: u64 = 1 << 20;
        if coverage.source_bytes >= 8 * MIB || coverage.source_files >= 2_000 {
            Self::HighComplex
        } else if coverage.source_bytes >= MIB || coverage.source_files >= 250 || coverage.binaries > 0 {
            Self::Complex
        } else {
            Self::Standard
        }
    }
}

impl fmt::Display for ComplexityTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "standard",
            Self::Complex => "complex",
            Self::HighComplex => "high-complex",
        })
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
            assert_eq!(ComplexityTier::of_coverage(&coverage).to_string(), expect);
        };
        check(10, 100_000, 0, "standard");
        check(10, 100_000, 1, "complex");
        check(250, 100_000, 0, "complex");
        check(10, 8 << 20, 0, "high-complex");
    }
}
