//! `GET /drafts/{draftId}/quote`: what submitting a draft costs, line by line.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use sigma_certificate::CertificationStatus;
use sigma_core::{ComplexityTier, Depth, Ecosystem};
use sigma_pipeline::{Coordination, Next};
use utoipa::ToSchema;

use super::caller::Reader;
use super::{drafts, plane, preview};
use crate::App;
use crate::problem::{Problem, Problems, Refusals};

/// What submitting a draft costs, in whole USD.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quote {
    /// Always USD.
    #[schema(example = "USD")]
    currency: &'static str,
    /// Sum of the lines. What others have certified until the audit begins costs nothing, so it may become less.
    #[schema(example = 4)]
    total_usd: u64,
    /// What the registry saves.
    #[schema(example = 14)]
    savings_usd: u64,
    /// Price of a standard, a complex and a high-complex package, and of the review of code of the same tier.
    prices: Prices,
    /// The review of the code; `null` where only packages are audited.
    code: Option<CodeLine>,
    /// Every package that is certified or would be audited, direct ones first.
    lines: Vec<Line>,
    /// Packages that are neither, and so cost nothing.
    not_audited: usize,
    /// Why submitting it now ends before anything is audited or reviewed; empty where nothing is known to stop it. Where there is a
    /// reason, nothing is owed.
    stops: Vec<String>,
}

/// Price by complexity, in whole USD.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prices {
    #[schema(example = 2)]
    standard: u64,
    #[schema(example = 4)]
    complex: u64,
    #[schema(example = 8)]
    high_complex: u64,
}

/// The review of the code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeLine {
    /// standard, complex or high-complex.
    complexity_tier: ComplexityTier,
    /// What it costs; nothing where the submission stops before it.
    price_usd: u64,
}

/// One package.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    package_name: String,
    package_version: Option<String>,
    registry_source: Ecosystem,
    dependency_type: Depth,
    /// Whether it is certified already.
    cached: bool,
    /// standard, complex or high-complex.
    complexity_tier: Option<String>,
    /// What it costs.
    price_usd: u64,
    /// What it would cost if nobody had had it certified.
    price_without_cache_usd: u64,
}

/// Itemised quote
#[utoipa::path(
    get, path = "/drafts/{draftId}/quote", tag = "developer", params(("draftId" = String, Path, description = "The draft")),
    security(("token" = ["read"])), responses((status = 200, description = "The quote", body = Quote), Problems, Refusals)
)]
pub(crate) async fn quote(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<Quote>, Problem> {
    let audit = preview::look_up(&app, &caller.owner, &id).await?;
    let (_, project) = drafts::find(&app, &caller.owner, &id).await?;
    let prices = plane(&app)?.developer.hall.prices();
    let coordination = Coordination::of(&audit);
    let stops = if coordination.next == Next::Stop { coordination.reasons } else { Vec::new() };
    let review = |tier| if stops.is_empty() { prices.price(tier) } else { 0 };
    let code = project.code.map(|code| CodeLine { complexity_tier: code.tier, price_usd: review(code.tier) });
    let analysis = audit.package_analysis(prices);
    let all = analysis.packages.len();
    let priced = analysis.packages.into_iter().filter(|entry| entry.estimated_complexity_tier.is_some());
    let lines: Vec<Line> = priced
        .map(|entry| Line {
            package_name: entry.package_name,
            package_version: entry.package_version,
            registry_source: entry.registry_source,
            dependency_type: entry.dependency_type,
            cached: entry.status == CertificationStatus::CertifiedFromCache,
            complexity_tier: entry.estimated_complexity_tier,
            price_usd: entry.estimated_price_usd,
            price_without_cache_usd: entry.price_without_cache_usd,
        })
        .collect();
    Ok(Json(Quote {
        currency: "USD",
        total_usd: lines.iter().map(|line| line.price_usd).sum::<u64>()
            + code.as_ref().map_or(0, |code| code.price_usd),
        code,
        savings_usd: lines.iter().map(|line| line.price_without_cache_usd - line.price_usd).sum(),
        prices: Prices { standard: prices.standard, complex: prices.complex, high_complex: prices.high_complex },
        not_audited: all - lines.len(),
        lines,
        stops,
    }))
}
