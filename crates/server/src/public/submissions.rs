//! Certificates of submissions: the list and search, whether files at hand are those that were reviewed, and the feed of
//! certified skills.

use axum::extract::{RawPathParams, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sigma_certificate::{CertificateStatus, FILES_HASH_ALGORITHM, OnChain, SubmissionPayload, effective_level, status};
use sigma_core::{SecurityLevel, Sha256, SubmissionCategory, Timestamp};
use sigma_store::{ListedSubmission, SubmissionFilter, SubmissionPage};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::conditional::{Tagged, Unchanged};
use crate::problem::{Code, Problem, Problems};
use crate::public::certificates::{Found, find};
use crate::public::query::{MAX_LIMIT, Params, cut, is_id, limit, read_place, write_place};

/// Where a certificate of either kind is on a chain.
pub(crate) async fn on_chain(app: &App, id: &str) -> Result<OnChain, Problem> {
    Ok(app.answers.on_chain(app.store.anchor_of(id).await?.as_ref()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Part of the name, the repository or the category; case does not matter.
    q: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A certificate in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubmissionSummary {
    /// The certificate's id.
    certificate_id: String,
    /// 2, 3 or 4.
    certificate_schema_version: u64,
    /// What was submitted.
    category: SubmissionCategory,
    /// The skill's name, as claimed.
    skill_name: String,
    /// The skill's version, as claimed.
    skill_version: Option<String>,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN.
    status: CertificateStatus,
    /// The level that holds now.
    security_level: SecurityLevel,
    /// The repository.
    source_url: String,
    /// The exact commit.
    commit: String,
    /// The folder under review; empty for the root.
    folder: String,
    /// When it was sealed.
    certified_at: Timestamp,
    /// Where to verify it.
    verify_endpoint: String,
}

/// One page of certificates.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificatePage {
    /// The certificates, newest first.
    items: Vec<SubmissionSummary>,
    /// Where the next page begins; `null` on the last one. A search looks through 5,000 certificates for one page, so that a page
    /// may be short, or empty, and not be the last.
    next_cursor: Option<String>,
}

/// The feed of certified skills.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkillStore {
    /// `1`.
    version: &'static str,
    /// Skills whose certificate stands, newest first, at most 100: of each, the newest certificate. The list of certificates has all.
    skills: Vec<SubmissionSummary>,
}

/// Longest text that is searched for, in characters.
const MAX_TEXT: usize = 200;

/// Certificates of submissions, newest first
#[utoipa::path(
    get, path = "/certificates", tag = "certificates", params(SearchParams),
    responses((status = 200, description = "A page", body = CertificatePage), Unchanged, Problems)
)]
pub(crate) async fn search(
    State(app): State<App>,
    Params(params): Params<SearchParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = limit(params.limit)?;
    if params.q.as_deref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(Problem::new(Code::InvalidQuery, format!("expected `q` to have at most {MAX_TEXT} characters")));
    }
    let before = params.cursor.as_deref().map(|text| read_place(text, |id| is_id(id, "sig_"))).transpose()?;
    let filter = SubmissionFilter { text: params.q, before, limit: limit + 1 };
    let SubmissionPage { mut items, searched_to } = app.store.submission_certificates(&filter).await?;
    let next_cursor = cut(&mut items, limit, |last| {
        let certificate = &last.certificate;
        write_place(certificate.payload().certified_at, certificate.id())
    });
    let next_cursor = next_cursor.or_else(|| searched_to.map(|(at, id)| write_place(at, &id)));
    let items = items.iter().map(|listed| summary(&app, listed)).collect();
    let page = CertificatePage { items, next_cursor };
    Ok(Tagged::hashed(serde_json::to_vec(&page).map_err(Problem::internal)?).respond(&headers))
}

/// Certified skills
///
/// Those whose newest certificate stands and does not say BLOCKED.
#[utoipa::path(
    get, path = "/.well-known/skill-store", tag = "certificates",
    responses((status = 200, description = "The feed", body = SkillStore), Unchanged, Problems)
)]
pub(crate) async fn skill_store(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let found = app.store.certified_skills(MAX_LIMIT).await?;
    let skills = found.iter().map(|listed| summary(&app, listed)).collect();
    let feed = SkillStore { version: "1", skills };
    Ok(Tagged::hashed(serde_json::to_vec(&feed).map_err(Problem::internal)?).respond(&headers))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct IntegrityParams {
    /// The hash that you computed over your files, 64 hexadecimal digits.
    hash: Option<String>,
}

/// Whether files are those that were reviewed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceIntegrityAnswer {
    /// The certificate's id.
    certificate_id: String,
    /// How the hash is computed: `sha256-sorted-files-v1` over the files, `sha256-lf` over a SKILL.md alone.
    algorithm: &'static str,
    /// The hash that was certified.
    certified_hash: Sha256,
    /// The hash that was sent.
    submitted_hash: Option<Sha256>,
    /// `match`, `mismatch`, or `not-compared` where none was sent.
    result: &'static str,
    /// ACTIVE, REVOKED, BLOCKED or OVERRIDDEN: a match with a revoked certificate vouches for nothing.
    status: CertificateStatus,
    /// What was hashed.
    source: HashedSource,
}

/// What was hashed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HashedSource {
    /// The repository, or the package.
    url: String,
    /// The exact commit, or the exact version.
    commit: String,
    /// The folder that paths are relative to.
    folder: String,
}

/// Whether a hash that you computed is the certified one
///
/// For code, `sha256-sorted-files-v1` over the files of the folder under review; for a skill without code, SHA-256 of its SKILL.md with
/// line ends normalised to LF; for a package, `sha256-sorted-files-v1` over the files of the preferred distribution.
#[utoipa::path(
    get, path = "/certificates/{id}/source-integrity", tag = "certificates",
    params(("id" = String, Path, description = "`sig_` or `pkg_` and 32 characters"), IntegrityParams),
    responses((status = 200, description = "The comparison", body = SourceIntegrityAnswer), Unchanged, Problems)
)]
pub(crate) async fn source_integrity(
    State(app): State<App>,
    params: RawPathParams,
    Params(query): Params<IntegrityParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let submitted: Option<Sha256> = query
        .hash
        .as_deref()
        .map(|text| text.parse().map_err(|error| Problem::new(Code::InvalidHash, error)))
        .transpose()?;
    let (id, algorithm, certified, stands, source) = match find(&app, &params).await? {
        Found::Submission(listed) => {
            let payload = listed.certificate.payload();
            let (algorithm, certified) = hash_of(payload)?;
            let source = HashedSource {
                url: payload.source.source_url.clone(),
                commit: payload.source.commit.clone(),
                folder: payload.source.folder.clone(),
            };
            (listed.certificate.id().to_owned(), algorithm, certified, status(listed.decision.as_ref()), source)
        }
        Found::Package(listed) => {
            let certificate = crate::public::summary::open(&listed)?;
            let payload = certificate.payload();
            let source = HashedSource {
                url: format!("{}:{}", payload.registry_source, payload.package_name),
                commit: payload.package_version.clone(),
                folder: String::new(),
            };
            let stands = status(listed.record.decision.as_ref());
            (certificate.id().to_owned(), FILES_HASH_ALGORITHM, payload.file_set_hash, stands, source)
        }
    };
    let answer = SourceIntegrityAnswer {
        certificate_id: id,
        algorithm,
        certified_hash: certified,
        submitted_hash: submitted,
        result: match submitted {
            None => "not-compared",
            Some(hash) if hash == certified => "match",
            Some(_) => "mismatch",
        },
        status: stands,
        source,
    };
    Ok(Tagged::hashed(serde_json::to_vec(&answer).map_err(Problem::internal)?).respond(&headers))
}

fn hash_of(payload: &SubmissionPayload) -> Result<(&'static str, Sha256), Problem> {
    match (&payload.code_review, &payload.manifest) {
        (Some(review), _) => Ok((FILES_HASH_ALGORITHM, review.source_integrity.code_files_hash)),
        (None, Some(manifest)) => Ok(("sha256-lf", manifest.sha256)),
        (None, None) => Err(Problem::internal("a certificate without code and skill")),
    }
}

fn summary(app: &App, listed: &ListedSubmission) -> SubmissionSummary {
    let (certificate, decision) = (&listed.certificate, listed.decision.as_ref());
    let payload = certificate.payload();
    SubmissionSummary {
        certificate_id: certificate.id().to_owned(),
        certificate_schema_version: payload.certificate_schema_version,
        category: payload.category,
        skill_name: payload.skill_name.clone(),
        skill_version: payload.skill_version.clone(),
        status: status(decision),
        security_level: effective_level(payload.review.security_level, decision),
        source_url: payload.source.source_url.clone(),
        commit: payload.source.commit.clone(),
        folder: payload.source.folder.clone(),
        certified_at: payload.certified_at,
        verify_endpoint: app.answers.endpoints().verify_submission(certificate.id()),
    }
}
