//! `GET /packages/stats`: what is in the registry, and who had something of it. Counted, never estimated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use sigma_core::Ecosystem;
use sigma_store::StoreError;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::conditional::{Tagged, Unchanged};
use crate::coverage::shipped;
use crate::problem::{Problem, Problems};
use crate::{App, ServerConfig};

/// A snapshot of the Package Trust Registry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistryStats {
    /// Exact packages with a current certificate: the newest of its package, not revoked and not BLOCKED.
    total_packages_certified: u64,
    /// Submissions that found at least one certificate already there.
    total_submissions_benefiting_from_cache: u64,
    /// What audits of those certificates would have cost them, in whole USD.
    total_cost_saved_usd: u64,
    /// Submissions with packages.
    code_submissions_with_packages: u64,
    /// How many of the most used packages have at least one version with a current certificate.
    coverage: Coverage,
    /// Where the lists of the most used packages are from.
    benchmarks: Vec<Benchmark>,
}

/// Coverage of the most used packages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Coverage {
    pypi: Tops,
    npm: Tops,
}

/// The most used 100, 500 and 1,000.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tops {
    top100: Top,
    top500: Top,
    top1000: Top,
}

/// How many of a list are certified.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Top {
    /// Packages in the list.
    tracked: u64,
    /// Those with a current certificate.
    certified: u64,
    /// Rounded down: 100 is all of them.
    percent: u64,
}

/// A list of the most used packages.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Benchmark {
    registry_source: Ecosystem,
    /// Who made it.
    source: String,
    /// The day it is of.
    taken_on: String,
}

/// The last answer, and until when it is kept: counting is worth remembering, and whoever comes meanwhile waits for the same.
pub(crate) struct Stats {
    last: Arc<Mutex<Option<(Instant, Tagged)>>>,
    keep: Duration,
}

/// How many times as long as it took to count an answer is kept at least: a twentieth of one processor is the most that a store of any size
/// spends on it. Ten million certificates take seconds.
const TIMES: u32 = 20;

impl Stats {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self { last: Arc::default(), keep: Duration::from_secs(config.stats_seconds) }
    }
}

/// Registry statistics
#[utoipa::path(
    get, path = "/packages/stats", tag = "packages",
    responses(
        (status = 200, description = "A snapshot, at most `stats_seconds` old, or twenty times as old as it took to count", body = RegistryStats),
        Unchanged,
        Problems
    )
)]
pub(crate) async fn stats(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let mut last = app.stats.last.clone().lock_owned().await;
    if let Some((until, answer)) = &*last
        && Instant::now() < *until
    {
        return Ok(answer.respond(&headers));
    }
    // A task of its own: a client that leaves must not make the next one count from the beginning.
    let counting = tokio::spawn(async move {
        let began = Instant::now();
        let json = serde_json::to_vec(&count(&app).await?).map_err(Problem::internal)?;
        let answer = Tagged::hashed(json);
        *last = Some((Instant::now() + kept(app.stats.keep, began.elapsed()), answer.clone()));
        Ok::<_, Problem>(answer)
    });
    Ok(counting.await.map_err(Problem::internal)??.respond(&headers))
}

/// How long an answer is kept that took so long. Whoever configures no time at all wants every answer counted.
fn kept(configured: Duration, took: Duration) -> Duration {
    if configured.is_zero() { configured } else { configured.max(took * TIMES) }
}

async fn count(app: &App) -> Result<RegistryStats, StoreError> {
    let totals = app.store.totals().await?;
    let mut benchmarks = Vec::new();
    let pypi = tops(app, Ecosystem::Pypi, &mut benchmarks).await?;
    let npm = tops(app, Ecosystem::Npm, &mut benchmarks).await?;
    Ok(RegistryStats {
        total_packages_certified: app.store.certified_packages().await?,
        total_submissions_benefiting_from_cache: totals.benefiting,
        total_cost_saved_usd: totals.saved_usd,
        code_submissions_with_packages: totals.submissions,
        coverage: Coverage { pypi, npm },
        benchmarks,
    })
}

async fn tops(app: &App, ecosystem: Ecosystem, benchmarks: &mut Vec<Benchmark>) -> Result<Tops, StoreError> {
    let list = app.store.popular(ecosystem).await?.unwrap_or_else(|| shipped(ecosystem));
    let longest = &list.names[..list.names.len().min(1000)];
    let certified = app.store.certified_names(ecosystem, longest).await?;
    let top = |size: usize| {
        let names = &longest[..longest.len().min(size)];
        let (tracked, certified) = (names.len(), names.iter().filter(|name| certified.contains(*name)).count());
        let percent = (certified * 100).checked_div(tracked).unwrap_or_default();
        Top { tracked: tracked as u64, certified: certified as u64, percent: percent as u64 }
    };
    let tops = Tops { top100: top(100), top500: top(500), top1000: top(1000) };
    benchmarks.push(Benchmark { registry_source: ecosystem, source: list.source, taken_on: list.taken_on });
    Ok(tops)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_is_kept_long() {
        let check = |configured: u64, took: u64, expect: u64| {
            let kept = kept(Duration::from_secs(configured), Duration::from_millis(took));
            assert_eq!(kept, Duration::from_secs(expect), "{took} ms");
        };
        check(10, 3, 10);
        check(10, 500, 10);
        check(10, 6_000, 120);
        check(0, 6_000, 0);
    }
}
