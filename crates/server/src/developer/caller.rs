//! Who calls: the bearer token of a request, and whether it allows what is asked.

use std::num::NonZeroU32;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use sigma_store::{Scope, Secret, Token};

use crate::App;
use crate::limit::Peer;
use crate::problem::{Code, Problem};

/// A caller that may read.
pub(crate) struct Reader(pub(crate) Caller);

/// A caller that may make drafts and submit them.
pub(crate) struct Submitter(pub(crate) Caller);

/// A caller that may work on the registry itself.
pub(crate) struct Admin(pub(crate) Caller);

/// Whose token it is, and the token, to be looked at again while something lasts.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) owner: String,
    pub(crate) secret: Secret,
}

/// Requests that a wrong token counts as, for the rate limit of its address: guessing is slow.
const WRONG: NonZeroU32 = NonZeroU32::new(20).expect("not zero");

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        caller(parts, app, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<App> for Submitter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        caller(parts, app, Scope::Submit).await.map(Self)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        caller(parts, app, Scope::Admin).await.map(Self)
    }
}

async fn caller(parts: &Parts, app: &App, scope: Scope) -> Result<Caller, Problem> {
    super::plane(app)?;
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(header) = header else {
        return Err(Problem::new(Code::Unauthorized, "send `Authorization: Bearer sgm_...`"));
    };
    let known = match bearer(header) {
        Some(secret) => app.store.authenticate(&secret, app.now()).await?.map(|token| (secret, token)),
        None => None,
    };
    let Some((secret, token)) = known else {
        if let Some(Peer(peer)) = parts.extensions.get::<Peer>() {
            let client = app.limiter.client(peer.ip(), &parts.headers);
            app.limiter.count(client, WRONG).map_err(crate::front::too_many)?;
        }
        // Whether it never existed, expired or was revoked is nobody's business who does not have it.
        return Err(Problem::new(Code::Unauthorized, "the token is unknown, expired or revoked"));
    };
    app.limiter.token(&token.prefix).map_err(|seconds| {
        let detail = format!("too many requests with this token; try again in {seconds} s");
        Problem::new(Code::RateLimited, detail).retry_after(seconds)
    })?;
    allowed(&token, scope)?;
    Ok(Caller { owner: token.owner, secret })
}

fn bearer(header: &str) -> Option<Secret> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::read(token.trim())).flatten()
}

fn allowed(token: &Token, scope: Scope) -> Result<(), Problem> {
    match token.scopes.contains(&scope) {
        true => Ok(()),
        false => Err(Problem::new(Code::MissingScope, format!("this needs a token with the scope `{scope}`"))),
    }
}
