//! `POST /drafts/{draftId}/package-preview`: how the dependencies of a draft stand, without submitting it.

use axum::Json;
use axum::extract::{Path, State};
use sigma_pipeline::{Audit, AuditError, AuditOptions, PackagePreview, Silent};

use super::caller::Reader;
use super::{drafts, plane};
use crate::App;
use crate::problem::{Code, Problem, Problems, Refusals};

/// Status of a draft's dependencies
///
/// `items` are the direct dependencies; transitive ones are counted. Nothing is submitted or audited. Where a declaration is not
/// eligible, or a direct or L1 package is BLOCKED, submitting it ends before anything is audited: it then costs nothing.
#[utoipa::path(
    post, path = "/drafts/{draftId}/package-preview", tag = "developer",
    params(("draftId" = String, Path, description = "The draft")), security(("token" = ["read"])),
    responses((status = 200, description = "How they stand", body = PackagePreview), Problems, Refusals)
)]
pub(crate) async fn preview(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Json<PackagePreview>, Problem> {
    let audit = look_up(&app, &caller.owner, &id).await?;
    let preview = PackagePreview::of_draft(&audit, plane(&app)?.developer.hall.prices());
    let (_, project) = drafts::find(&app, &caller.owner, &id).await?;
    // A category without packages has none of them looked at.
    let enabled = project.code.is_none_or(|code| code.category.has_packages());
    Ok(Json(PackagePreview { enabled, ..preview }))
}

/// Seconds after which an ecosystem that does not answer may be asked again, unless it asks for more.
const RETRY_AFTER: u64 = 30;

/// Resolves a draft of the caller's and looks its packages up.
pub(crate) async fn look_up(app: &App, owner: &str, id: &str) -> Result<Audit, Problem> {
    let plane = plane(app)?;
    let (_, project) = drafts::find(app, owner, id).await?;
    let _place = plane.resolving(owner)?;
    let options = AuditOptions { preview: true, ..project.options() };
    let audited = plane.developer.hall.audit_project(project.manifests, &options, &Silent).await;
    audited.map_err(|error| match error {
        AuditError::Resolve { .. } => {
            tracing::warn!(%error, "a draft could not be resolved");
            let outage = error.outage();
            let who = outage.as_ref().map_or("an ecosystem does not answer as expected", |outage| &outage.words);
            let asked = outage.as_ref().and_then(|outage| outage.retry_after).unwrap_or_default();
            let why = format!("{who}, and does not say which versions to take");
            Problem::new(Code::Unavailable, why).retry_after(asked.as_secs().clamp(RETRY_AFTER, 3_600))
        }
        error => Problem::internal(error),
    })
}
