//! The OpenAPI document, and a page to read it on that needs no other host.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, body::Bytes};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{Modify, OpenApi};

use crate::App;
use crate::problem::{Code, Problem, ProblemDocument};

/// What stands above the endpoints.
#[derive(OpenApi)]
#[openapi(
    modifiers(&Tokens),
    info(
        title = "SIGMA Package Trust Registry",
        description = "Certificates of PyPI and npm packages: who looked at these bytes, what did they find, and can I check \
                       that myself? Reads need no authentication. Errors are problem documents (RFC 9457) with a stable \
                       `code`. Answers carry an `ETag`; whoever keeps one asks again with `If-None-Match`, so that a \
                       revocation shows at once.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDocument)),
    tags(
        (name = "packages", description = "Certificates of exact package versions"),
        (name = "developer", description = "Drafts, previews, quotes and submissions; needs a token"),
        (name = "admin", description = "What operators decide, and the log of it; needs a token with the scope `admin`"),
        (name = "certificates", description = "Certificates by their id"),
        (name = "osv", description = "CAUTION and BLOCKED verdicts in the shape of osv.dev's API and schema")
    )
)]
pub(crate) struct Info;

/// How developers and operators prove who they are.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("sgm_...").build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The OpenAPI 3.1 document of this server.
pub fn document() -> utoipa::openapi::OpenApi {
    open(crate::router::documented().into_openapi())
}

/// Answers may have more fields than the document tells: they are added, never renamed. Only what clients send is closed.
pub(crate) fn open(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (name, schema) in document.components.iter_mut().flat_map(|components| &mut components.schemas) {
        if let RefOr::T(Schema::Object(object)) = schema
            && !name.ends_with("Request")
        {
            object.additional_properties = None;
        }
    }
    document
}

/// The page brings its own scripts and styles; it may load nothing else, and ask nobody but this server.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// `/openapi.json`, `/reference/` and `/problems/{code}`.
pub(crate) fn router(document: utoipa::openapi::OpenApi) -> Router<App> {
    let json: Bytes = serde_json::to_vec(&document).unwrap_or_default().into();
    let config = utoipa_swagger_ui::Config::from("/openapi.json").try_it_out_enabled(true).validator_url("none");
    let config = Arc::new(config);
    let index = config.clone();
    Router::new()
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json.clone()) }),
        )
        .route("/reference", get(|| async { Redirect::permanent("/reference/") }))
        .route("/reference/", get(move || async move { page("", index) }))
        .route("/reference/{file}", get(move |Path(file): Path<String>| async move { page(&file, config) }))
        .route("/problems/{code}", get(explain))
}

fn page(file: &str, config: Arc<utoipa_swagger_ui::Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(file, config) {
        Ok(Some(found)) => {
            let headers = [
                (header::CONTENT_TYPE, found.content_type),
                (header::CACHE_CONTROL, "public, max-age=3600".to_owned()),
            ];
            let mut response = (headers, found.bytes.into_owned()).into_response();
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
            response
        }
        Ok(None) => Problem::new(Code::NotFound, "the reference page has no such file").into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// What the `type` of a problem document leads to.
async fn explain(Path(code): Path<String>) -> Result<String, Problem> {
    let known = Code::ALL.into_iter().find(|one| one.as_str() == code);
    let code = known.ok_or_else(|| Problem::new(Code::NotFound, "no problem has this code"))?;
    Ok(format!("{}\n{} ({})\n\n{}\n", code.as_str(), code.title(), code.status(), code.meaning()))
}
