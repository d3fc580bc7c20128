//! Every address, one line each. The OpenAPI document follows from them.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Redirect, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin;
use crate::developer::{drafts, events, preview, quote, submissions};
use crate::problem::{Code, Problem};
use crate::public::{
    batch, by_hash, certificates, evidence, flags, list, log, osv, packages, search, stats, submissions as reviewed,
    verify,
};
use crate::{App, front, health, openapi};

/// Bytes of a draft as JSON: 8 MiB of files, and what quoting adds.
const MAX_DRAFT_BODY: usize = 12 << 20;

/// The documented endpoints. `NAME` and `SCOPE/NAME` are two addresses of one resource.
pub(crate) fn documented() -> OpenApiRouter<App> {
    let public = OpenApiRouter::new()
        .routes(routes!(stats::stats))
        .routes(routes!(list::list))
        .routes(routes!(search::search))
        .routes(routes!(batch::batch))
        .routes(routes!(by_hash::by_hash))
        .routes(routes!(packages::package))
        .routes(routes!(packages::scoped_package))
        .routes(routes!(verify::verify))
        .routes(routes!(verify::scoped_verify))
        .routes(routes!(flags::flag))
        .routes(routes!(flags::scoped_flag))
        .routes(routes!(flags::flag_certificate))
        .routes(routes!(reviewed::search))
        .routes(routes!(certificates::certificate))
        .routes(routes!(certificates::verify))
        .routes(routes!(certificates::live_status))
        .routes(routes!(reviewed::source_integrity))
        .routes(routes!(log::bundle))
        .routes(routes!(evidence::files))
        .routes(routes!(evidence::report));
    let osv = OpenApiRouter::new()
        .routes(routes!(osv::query))
        .routes(routes!(osv::query_batch))
        .routes(routes!(osv::vulnerability));
    let developer = OpenApiRouter::new()
        .routes(routes!(drafts::create, drafts::list))
        .layer(DefaultBodyLimit::max(MAX_DRAFT_BODY))
        .routes(routes!(drafts::show, drafts::remove))
        .routes(routes!(preview::preview))
        .routes(routes!(quote::quote))
        .routes(routes!(submissions::submit))
        .routes(routes!(submissions::list))
        .routes(routes!(submissions::show))
        .routes(routes!(events::events))
        .routes(routes!(events::history))
        .layer(middleware::map_response(not_kept));
    let operators = OpenApiRouter::new()
        .routes(routes!(admin::certificates::list))
        .routes(routes!(admin::certificates::decisions, admin::certificates::decide))
        .routes(routes!(admin::certificates::reaudit))
        .routes(routes!(admin::escalations::list))
        .routes(routes!(admin::escalations::show))
        .routes(routes!(admin::escalations::decide))
        .routes(routes!(admin::submissions::list))
        .routes(routes!(admin::submissions::show))
        .routes(routes!(admin::submissions::decide))
        .routes(routes!(admin::flags::list))
        .routes(routes!(admin::flags::settle))
        .routes(routes!(admin::jobs::list))
        .routes(routes!(admin::jobs::retry))
        .routes(routes!(admin::log::list))
        .layer(middleware::map_response(not_kept));
    OpenApiRouter::with_openapi(openapi::Info::openapi())
        .nest("/api/v1/public", public)
        .routes(routes!(reviewed::skill_store))
        .nest("/v1", osv)
        .nest("/api/v1/sigma/dev", developer)
        .nest("/api/v1/sigma/admin", operators)
}

/// Every endpoint; what all of them need stands before it, in `front`.
pub(crate) fn router(app: App) -> Router {
    let (documented, document) = documented().split_for_parts();
    let expose: Vec<HeaderName> = front::EXPOSED.split(',').map(HeaderName::from_static).collect();
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::OPTIONS])
        .allow_headers([header::CONTENT_TYPE, header::IF_NONE_MATCH])
        .max_age(Duration::from_secs(3600))
        .expose_headers(expose);
    documented
        .merge(openapi::router(openapi::open(document)))
        .route("/", get(|| async { Redirect::temporary("/reference/") }))
        .route("/log/{*path}", get(log::resource))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Problem::new(Code::NotFound, "nothing is at this address; /reference lists what is") })
        .layer(DefaultBodyLimit::max(app.config.max_body_bytes))
        .layer(CompressionLayer::new())
        .layer(middleware::map_response(not_modified))
        .layer(cors)
        .layer(middleware::from_fn(public_only))
        .layer(middleware::from_fn(front::label))
        .with_state(app)
}

/// Scripts of other origins may read what is public. Tokens are for programs of their owners: a browser is told nothing of those answers.
async fn public_only(request: Request, next: Next) -> Response {
    let owned = request.uri().path().starts_with("/api/v1/sigma/");
    let mut response = next.run(request).await;
    if owned {
        let of_cors = |name: &HeaderName| name.as_str().starts_with("access-control-");
        let names: Vec<HeaderName> = response.headers().keys().filter(|name| of_cors(name)).cloned().collect();
        for name in names {
            response.headers_mut().remove(name);
        }
    }
    response
}

/// What is not sent again would have had this header (RFC 9110, section 15.4.5); there is nothing to compress, so nobody added it.
async fn not_modified(mut response: Response) -> Response {
    if response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().entry(header::VARY).or_insert(HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// What belongs to one owner, or to operators, is nobody's to keep, whatever stands between.
async fn not_kept(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
