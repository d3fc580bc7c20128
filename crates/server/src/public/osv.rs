//! The shape of osv.dev's API, for tools that speak it: our CAUTION and BLOCKED verdicts as vulnerabilities.
//!
//! Fields follow the OSV schema 1.7 (<https://ossf.github.io/osv-schema/>). An id is `SIGMA-` and the certificate's id without
//! its prefix. A certificate that was revoked says nothing about a package, so it is no vulnerability: fetched by its id, it is
//! `withdrawn`.

use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use sigma_certificate::{Action, Endpoints, PackageCertificate, effective_level};
use sigma_core::{Ecosystem, PackageId, PackageName, SecurityLevel, Timestamp};
use sigma_store::Listed;
use utoipa::ToSchema;

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::limit::Peer;
use crate::problem::{Code, Problem, Problems};
use crate::public::batch::weigh;
use crate::public::purl::{foreign, parts_of};
use crate::public::query::{AnyBody, is_certificate_id, named};
use crate::public::summary::open;

const SCHEMA_VERSION: &str = "1.7.3";
const MAX_QUERIES: usize = 1000;
/// Verdicts of one page.
const PAGE: usize = 100;
/// Verdicts that the questions of a batch share, where they ask for every version; each has at least five.
const BATCH_PAGE: usize = 2000;

/// A question as osv.dev takes it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(crate) struct OsvQuery {
    /// The package.
    package: Option<OsvPackage>,
    /// An exact version; without one, every version is meant.
    version: Option<String>,
    /// Not supported: certificates are about releases, not commits.
    commit: Option<String>,
    /// `next_page_token` of the answer before.
    page_token: Option<String>,
}

/// A package: `name` and `ecosystem`, or `purl`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct OsvPackage {
    /// The name.
    name: Option<String>,
    /// `PyPI` or `npm`.
    ecosystem: Option<String>,
    /// A package URL.
    purl: Option<String>,
}

/// Vulnerabilities of a package.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct OsvAnswer {
    /// The vulnerabilities; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulns: Vec<Vulnerability>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A verdict in OSV's shape.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Vulnerability {
    schema_version: &'static str,
    /// `SIGMA-` and 32 characters.
    id: String,
    modified: Timestamp,
    published: Timestamp,
    /// When the certificate was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<Timestamp>,
    summary: String,
    details: String,
    affected: Vec<Affected>,
    references: Vec<Reference>,
    database_specific: Specific,
}

/// The exact version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Affected {
    package: OsvPackage,
    versions: Vec<String>,
}

/// Where to read more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

/// What OSV has no field for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Specific {
    certificate_id: String,
    security_level: SecurityLevel,
    distribution_sha256: String,
}

/// CAUTION and BLOCKED verdicts about a package
#[utoipa::path(
    post, path = "/query", tag = "osv", request_body = OsvQuery,
    responses((status = 200, description = "The verdicts", body = OsvAnswer), Problems)
)]
pub(crate) async fn query(
    State(app): State<App>,
    AnyBody(query): AnyBody<OsvQuery>,
) -> Result<Json<OsvAnswer>, Problem> {
    answer(&app, &query, PAGE).await.map(Json)
}

/// Questions about many packages.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct OsvBatch {
    /// At most 1,000.
    queries: Vec<OsvQuery>,
}

/// Ids and times for each question, in the same order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OsvBatchAnswer {
    results: Vec<OsvIds>,
}

/// Ids for one question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OsvIds {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulns: Vec<OsvId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A vulnerability's id and when it changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OsvId {
    id: String,
    modified: Timestamp,
}

/// CAUTION and BLOCKED verdicts about many packages
#[utoipa::path(
    post, path = "/querybatch", tag = "osv", request_body = OsvBatch,
    responses((status = 200, description = "Ids, in the same order", body = OsvBatchAnswer), Problems)
)]
pub(crate) async fn query_batch(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    AnyBody(batch): AnyBody<OsvBatch>,
) -> Result<Json<OsvBatchAnswer>, Problem> {
    let count = batch.queries.len();
    if count > MAX_QUERIES {
        return Err(Problem::new(Code::InvalidBody, format!("got {count} queries, expected at most {MAX_QUERIES}")));
    }
    weigh(&app, peer, &headers, count)?;
    let mut results = Vec::with_capacity(count);
    let page = (BATCH_PAGE / count.max(1)).clamp(5, PAGE);
    for query in &batch.queries {
        let answer = answer(&app, query, page).await?;
        let ids = answer.vulns.into_iter().map(|one| OsvId { id: one.id, modified: one.modified });
        results.push(OsvIds { vulns: ids.collect(), next_page_token: answer.next_page_token });
    }
    Ok(Json(OsvBatchAnswer { results }))
}

/// One verdict
#[utoipa::path(
    get, path = "/vulns/{id}", tag = "osv", params(("id" = String, Path, description = "`SIGMA-` and 32 characters")),
    responses((status = 200, description = "The verdict", body = Vulnerability), Unchanged, Problems)
)]
pub(crate) async fn vulnerability(
    State(app): State<App>,
    params: RawPathParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = named(&params);
    let certificate = id.strip_prefix("SIGMA-").map(|rest| format!("pkg_{rest}"));
    let Some(certificate) = certificate.filter(|id| is_certificate_id(id)) else {
        return Err(Problem::new(Code::InvalidId, "expected `SIGMA-` and 32 characters of a-z and 2-7"));
    };
    let listed = app.store.stands(&certificate).await?;
    let none = || Problem::new(Code::NotFound, "there is no such verdict");
    let listed = listed.ok_or_else(none)?;
    if !concerns(&listed) && !revoked(&listed) {
        return Err(none());
    }
    let verdict = written(&listed, &open(&listed)?, app.answers.endpoints());
    Ok(Tagged::hashed(serde_json::to_vec(&verdict).map_err(Problem::internal)?).respond(&headers))
}

async fn answer(app: &App, query: &OsvQuery, page: usize) -> Result<OsvAnswer, Problem> {
    let Some((name, version)) = wanted(query)? else { return Ok(OsvAnswer::default()) };
    let query_all = version.is_none();
    let found = match version {
        // The certificate that answers for the exact version, no older one.
        Some(version) => {
            let Ok(package) = PackageId::new(name, &version) else { return Ok(OsvAnswer::default()) };
            let record = app.answers.reader().package(&package).await?;
            record.map(|record| Listed { package, record }).into_iter().collect()
        }
        None => {
            let after = query.page_token.as_deref().unwrap_or_default();
            if !after.is_empty() && !is_certificate_id(after) {
                return Err(Problem::new(Code::InvalidBody, "the page token is none that this server gave out"));
            }
            app.store.concerns(&name, after, u32::try_from(page).unwrap_or(u32::MAX)).await?
        }
    };
    let next_page_token = found.last().filter(|_| found.len() == page && query_all).map(|last| last.record.id.clone());
    let mut vulns = Vec::new();
    for listed in found.iter().filter(|listed| concerns(listed)) {
        vulns.push(written(listed, &open(listed)?, app.answers.endpoints()));
    }
    Ok(OsvAnswer { vulns, next_page_token })
}

/// The package that is asked about; none where it is of an ecosystem that we do not certify, about which nothing is known.
fn wanted(query: &OsvQuery) -> Result<Option<(PackageName, Option<String>)>, Problem> {
    let invalid = |why: String| Problem::new(Code::InvalidBody, why);
    if query.commit.is_some() {
        return Err(invalid("certificates are about releases: ask by package, not by commit".to_owned()));
    }
    let package = query.package.as_ref().ok_or_else(|| invalid("expected `package`".to_owned()))?;
    let (name, version) = match (&package.purl, &package.name, &package.ecosystem) {
        (Some(purl), None, None) => {
            if foreign(purl) {
                return Ok(None);
            }
            parts_of(purl).map_err(invalid)?
        }
        (None, Some(name), Some(ecosystem)) => {
            // Others than ours are nobody's concern here; ours in another spelling must not be taken for one of them, and found harmless.
            let Ok(ecosystem) = ecosystem.to_ascii_lowercase().parse::<Ecosystem>() else { return Ok(None) };
            (PackageName::new(ecosystem, name).map_err(|error| invalid(error.to_string()))?, None)
        }
        _ => return Err(invalid("expected `package` with `name` and `ecosystem`, or with `purl` alone".to_owned())),
    };
    match (version, &query.version) {
        (Some(_), Some(_)) => Err(invalid("expected one version, in the package URL or in `version`".to_owned())),
        (version, asked) => Ok(Some((name, version.or_else(|| asked.clone())))),
    }
}

fn revoked(listed: &Listed) -> bool {
    listed.record.decision.as_ref().is_some_and(|decision| decision.action == Action::Revoke)
}

fn concerns(listed: &Listed) -> bool {
    effective_level(listed.record.level, listed.record.decision.as_ref()) >= SecurityLevel::Caution && !revoked(listed)
}

fn written(listed: &Listed, opened: &PackageCertificate, endpoints: &Endpoints) -> Vulnerability {
    let (payload, decision) = (opened.payload(), listed.record.decision.as_ref());
    let package = &listed.package;
    let level = effective_level(payload.security_level, decision);
    let mut details: Vec<String> =
        decision.iter().map(|one| format!("Decided by an operator: {}", one.reason)).collect();
    details.extend(payload.retained_warnings.iter().map(|warning| {
        let place = warning.location.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("{}: {}{place}", warning.code, warning.message)
    }));
    let id = opened.id().strip_prefix("pkg_").unwrap_or(opened.id());
    Vulnerability {
        schema_version: SCHEMA_VERSION,
        id: format!("SIGMA-{id}"),
        modified: decision.map_or(payload.certified_at, |decision| decision.at.max(payload.certified_at)),
        published: payload.certified_at,
        withdrawn: decision.filter(|_| revoked(listed)).map(|decision| decision.at),
        summary: format!("{} {} is {level}", package.name(), package.version()),
        details: details.join("\n\n"),
        affected: vec![Affected {
            package: OsvPackage {
                name: Some(package.name().to_string()),
                ecosystem: Some(package.ecosystem().title().to_owned()),
                purl: Some(format!("pkg:{}/{}", package.ecosystem(), package.name().as_str().replace('@', "%40"))),
            },
            versions: vec![package.version().to_owned()],
        }],
        references: vec![Reference {
            kind: "REPORT",
            url: endpoints.verify(package.ecosystem(), package.name().as_str(), package.version()),
        }],
        database_specific: Specific {
            certificate_id: opened.id().to_owned(),
            security_level: level,
            distribution_sha256: payload.distribution_sha256.to_string(),
        },
    }
}
