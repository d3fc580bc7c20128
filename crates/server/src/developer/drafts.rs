//! `/drafts`: projects that may be submitted.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sigma_core::{CodeLanguage, ComplexityTier, Ecosystem, Origin, SubmissionCategory, Target, Timestamp};
use sigma_pipeline::{IntakeError, Project, ProjectError, ProjectFiles, RepositoryRequest};
use sigma_store::Draft;
use utoipa::{IntoParams, ToSchema};

use super::caller::{Reader, Submitter};
use super::{Plane, plane};
use crate::App;
use crate::config::AuditsConfig;
use crate::problem::{Code, Obstacle, Problem, Problems, Refusals};
use crate::public::query::{Body, Params, cut, is_id, limit, read_place, write_place};

/// A project to be previewed and submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DraftRequest {
    /// Manifests and lockfiles by their relative path, at most 20 files of 8 MiB together.
    #[schema(example = json!({"requirements.txt": "requests>=2.31\n"}))]
    #[serde(default)]
    files: ProjectFiles,
    /// A public repository whose code is reviewed, with its packages where the category has them. Either this or `files`.
    repository: Option<RepositoryDraftRequest>,
    /// Python version to resolve for; 3.12 unless given, or for code that of the interpreter that runs it.
    #[schema(example = "3.12")]
    python_version: Option<String>,
    /// Platform to resolve for; linux-x64 unless given.
    #[schema(example = "linux-x64")]
    platform: Option<String>,
    /// Levels of transitive dependencies to audit, 0 to 3; 3 unless given.
    #[schema(maximum = 3)]
    depth: Option<u8>,
    /// Transitive packages audited anew at most; what lies beyond is disclosed. What it is unless given, and how high it may be, is the
    /// operator's: 250 and 1,000 unless configured.
    transitive_cap: Option<u32>,
    /// Read development dependencies too.
    #[serde(default)]
    include_dev: bool,
}

/// A public repository. It is locked to the commit that the reference stands for now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RepositoryDraftRequest {
    /// Its https address.
    #[schema(example = "https://github.com/example/weather-skill")]
    url: String,
    /// A branch, a tag or a whole commit id; the default branch unless given.
    #[schema(example = "v1.2.0")]
    r#ref: Option<String>,
    /// What the submission consists of.
    category: SubmissionCategory,
    /// The program, relative to the repository's root. Categories with CODE need one.
    #[schema(example = "skills/weather/main.py")]
    entry: Option<String>,
    /// The folder under review, where no entry point tells.
    folder: Option<String>,
    /// What you want to say about it, at most 2,000 characters. Reviewers take it as a claim.
    note: Option<String>,
}

/// A draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DraftView {
    /// Its id.
    draft_id: String,
    /// When it was made.
    created_at: Timestamp,
    /// What was read.
    manifests: Vec<ManifestView>,
    /// Python version it is resolved for.
    python_version: String,
    /// Platform it is resolved for.
    platform: String,
    /// Levels of transitive dependencies that are audited.
    depth: u8,
    /// Transitive packages that are audited anew at most.
    transitive_cap: usize,
    /// The code that is reviewed; `null` where only packages are audited.
    code: Option<CodeView>,
}

/// The code of a draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeView {
    /// What the submission consists of.
    category: SubmissionCategory,
    /// The repository.
    source_url: String,
    /// The exact commit that it is locked to.
    commit: String,
    /// The folder under review; empty for the root.
    folder: String,
    /// The entry point, relative to that folder.
    entry: Option<String>,
    /// `python` or `node`.
    language: Option<CodeLanguage>,
    /// How much there is to look at.
    complexity_tier: ComplexityTier,
    /// What is disclosed, in sentences.
    disclosed: Vec<String>,
}

/// A manifest of a draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManifestView {
    /// The ecosystem it speaks to.
    registry_source: Ecosystem,
    /// Every file that was read for it.
    files: Vec<String>,
    /// Declarations that are eligible.
    declared: usize,
    /// Declarations that no registry could vouch for, with file, line and what to write instead.
    refused: Vec<String>,
}

/// Drafts that one owner may have.
const MAX_DRAFTS: u64 = 1_000;
/// The largest project that is stored, in bytes of JSON: 16 MiB.
const MAX_PROJECT: usize = 16 << 20;

/// Make a draft
#[utoipa::path(
    post, path = "/drafts", tag = "developer", request_body = DraftRequest, security(("token" = ["submit"])),
    responses((status = 201, description = "Made", body = DraftView), Problems, Refusals)
)]
pub(crate) async fn create(
    State(app): State<App>,
    Submitter(caller): Submitter,
    Body(new): Body<DraftRequest>,
) -> Result<Response, Problem> {
    let plane = plane(&app)?;
    if app.store.count_drafts(&caller.owner).await? >= MAX_DRAFTS {
        let detail = format!("there are {MAX_DRAFTS} drafts already; remove some");
        return Err(Problem::new(Code::TooMany, detail));
    }
    let mut read = plane.developer.read.clone();
    read.include_dev = new.include_dev;
    let (mut target, depth, cap) = options(&new, &plane.developer.caps)?;
    // Code is run with the packages that are resolved: for the Python that runs it, unless another one is asked for.
    if let (Some(_), None, Some(python)) = (&new.repository, &new.python_version, plane.developer.hall.python()) {
        target.python = python;
    }
    let mut project = match (new.repository, new.files.is_empty()) {
        (Some(_), false) => {
            return Err(Problem::new(Code::InvalidBody, "send either `files` or `repository`, not both"));
        }
        (Some(repository), true) => take_in(plane, &caller.owner, repository, target).await?,
        (None, _) => {
            let files = new.files;
            let project = tokio::task::spawn_blocking(move || Project::read(&files, target, &read)).await;
            project.map_err(Problem::internal)?.map_err(unreadable)?
        }
    };
    project.depth = depth.unwrap_or(project.depth);
    project.cap = cap;
    let bytes = serde_json::to_vec(&project).map_err(Problem::internal)?;
    if bytes.len() > MAX_PROJECT {
        let detail = format!("what was read takes {} bytes, expected at most {MAX_PROJECT}", bytes.len());
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    let draft = Draft { id: new_id()?, owner: caller.owner, project: bytes, created_at: app.now() };
    if !app.store.add_draft(&draft).await? {
        return Err(Problem::internal("a random draft id was taken"));
    }
    let address =
        HeaderValue::from_str(&format!("/api/v1/sigma/dev/drafts/{}", draft.id)).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, address)], Json(view(&draft, &project))).into_response())
}

/// Fetches a repository and keeps what is reviewed of it. Everything that stands in the way is told at once.
async fn take_in(
    plane: &Plane,
    owner: &str,
    asked: RepositoryDraftRequest,
    target: Target,
) -> Result<Project, Problem> {
    let _place = plane.resolving(owner)?;
    let hall = &plane.developer.hall;
    let request = RepositoryRequest {
        url: asked.url,
        reference: asked.r#ref,
        category: asked.category,
        entry: asked.entry,
        folder: asked.folder,
        note: asked.note,
    };
    let intake = hall.take_in(&request).await.map_err(|error| match error {
        IntakeError::Io(error) => Problem::internal(error),
        IntakeError::Manifest(error) => Problem::new(Code::InvalidManifest, error),
        IntakeError::Problems(problems) => {
            let obstacle = |one: &sigma_pipeline::IntakeProblem| Obstacle {
                code: one.code.to_string(),
                path: one.path.clone(),
                detail: one.message.clone(),
                remedy: one.remedy.to_owned(),
            };
            let detail = format!("{} thing(s) stand in the way of a review", problems.len());
            Problem::new(Code::InvalidSubmission, detail).because_of(problems.iter().map(obstacle).collect())
        }
        IntakeError::Repository(error) if error.is_transient() => {
            Problem::new(Code::Unavailable, error).retry_after(30)
        }
        IntakeError::Repository(error) => {
            let obstacle = Obstacle {
                code: error.code().to_owned(),
                path: None,
                detail: error.to_string(),
                remedy: "Name a public repository, over https, and a branch, tag or commit that it has.".to_owned(),
            };
            Problem::new(Code::InvalidSubmission, &error).because_of(vec![obstacle])
        }
        error => Problem::new(Code::InvalidSubmission, error),
    })?;
    hall.keep_intake(&intake, target).await.map_err(Problem::internal)
}

/// Which drafts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DraftParams {
    /// Entries of the page, 1 to 100; 20 unless given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// One page of drafts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DraftPage {
    /// The drafts, newest first.
    items: Vec<DraftView>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

/// Your drafts, the newest first
#[utoipa::path(
    get, path = "/drafts", tag = "developer", params(DraftParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page", body = DraftPage), Problems, Refusals)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Reader(caller): Reader,
    Params(params): Params<DraftParams>,
) -> Result<Json<DraftPage>, Problem> {
    let limit = limit(params.limit)?;
    let before = params.cursor.as_deref().map(|text| read_place(text, is_draft)).transpose()?;
    let before = before.as_ref().map(|(at, id)| (*at, id.as_str()));
    let mut found = app.store.drafts_of(&caller.owner, before, limit + 1).await?;
    let next_cursor = cut(&mut found, limit, |last| write_place(last.created_at, &last.id));
    let items = found.iter().map(|draft| read(draft).map(|project| view(draft, &project))).collect::<Result<_, _>>()?;
    Ok(Json(DraftPage { items, next_cursor }))
}

/// A draft of yours
#[utoipa::path(
    get, path = "/drafts/{draftId}", tag = "developer", params(("draftId" = String, Path, description = "The draft")),
    security(("token" = ["read"])), responses((status = 200, description = "The draft", body = DraftView), Problems, Refusals)
)]
pub(crate) async fn show(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<DraftView>, Problem> {
    let (draft, project) = find(&app, &caller.owner, &id).await?;
    Ok(Json(view(&draft, &project)))
}

/// Remove a draft of yours; what was submitted of it stays
#[utoipa::path(
    delete, path = "/drafts/{draftId}", tag = "developer", params(("draftId" = String, Path, description = "The draft")),
    security(("token" = ["submit"])), responses((status = 204, description = "Removed"), Problems, Refusals)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Submitter(caller): Submitter,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    match is_draft(&id) && app.store.remove_draft(&caller.owner, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(none()),
    }
}

/// The caller's draft and what is in it. Somebody else's is answered like one that never existed.
pub(crate) async fn find(app: &App, owner: &str, id: &str) -> Result<(Draft, Project), Problem> {
    let draft = match is_draft(id) {
        true => app.store.draft_of(owner, id).await?.ok_or_else(none)?,
        false => return Err(none()),
    };
    let project = read(&draft)?;
    Ok((draft, project))
}

fn read(draft: &Draft) -> Result<Project, Problem> {
    serde_json::from_slice(&draft.project).map_err(Problem::internal)
}

fn is_draft(id: &str) -> bool {
    is_id(id, "drf_")
}

fn none() -> Problem {
    Problem::new(Code::NotFound, "you have no such draft")
}

/// An id that nobody can guess.
fn new_id() -> Result<String, Problem> {
    let mut random = [0; 20];
    getrandom::fill(&mut random).map_err(Problem::internal)?;
    Ok(format!("drf_{}", BASE32_NOPAD.encode(&random).to_ascii_lowercase()))
}

type Options = (Target, Option<u8>, usize);

fn options(new: &DraftRequest, caps: &AuditsConfig) -> Result<Options, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::new(Code::InvalidBody, error);
    let mut target = Target::default();
    if let Some(python) = &new.python_version {
        target.python = python.parse().map_err(|error| wrong(&error))?;
    }
    if let Some(platform) = &new.platform {
        target.platform = platform.parse().map_err(|error| wrong(&error))?;
    }
    if let Some(depth) = new.depth.filter(|depth| *depth > 3) {
        return Err(wrong(&format!("got depth {depth}, expected 0 to 3")));
    }
    let cap = new.transitive_cap.unwrap_or(caps.transitive_cap.min(caps.most_transitive));
    if cap > caps.most_transitive {
        return Err(wrong(&format!("got transitiveCap {cap}, expected at most {}", caps.most_transitive)));
    }
    Ok((target, new.depth, cap as usize))
}

fn unreadable(error: ProjectError) -> Problem {
    match error {
        ProjectError::Io(error) => Problem::internal(error),
        error => Problem::new(Code::InvalidManifest, error),
    }
}

fn view(draft: &Draft, project: &Project) -> DraftView {
    let manifest = |manifest: &sigma_core::Manifest| ManifestView {
        registry_source: manifest.ecosystem,
        files: manifest.files.clone(),
        declared: manifest.declared.len(),
        refused: manifest
            .refused
            .iter()
            .map(|one| format!("{} ({}): {}; {}", one.declaration, one.at, one.reason.describe(), one.advice))
            .collect(),
    };
    let code = project.code.as_ref().map(|code| {
        let (source_url, commit) = match &code.origin {
            Origin::Repository { url, commit, .. } => (url.clone(), commit.clone()),
            Origin::Folder => Default::default(),
        };
        CodeView {
            category: code.category,
            source_url,
            commit,
            folder: code.folder.clone(),
            entry: code.entry.clone(),
            language: code.language,
            complexity_tier: code.tier,
            disclosed: code.disclosed.clone(),
        }
    });
    DraftView {
        code,
        draft_id: draft.id.clone(),
        created_at: draft.created_at,
        manifests: project.manifests.iter().map(manifest).collect(),
        python_version: project.target.python.to_string(),
        platform: project.target.platform.to_string(),
        depth: project.depth,
        transitive_cap: project.cap,
    }
}
