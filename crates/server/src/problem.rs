//! Problem documents (RFC 9457): the one shape in which the server says no.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sigma_core::printable;
use sigma_store::StoreError;
use utoipa::ToSchema;

/// What went wrong, as a code that never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The registry in the address is neither `pypi` nor `npm`.
    InvalidRegistry,
    /// The name in the address is no package name.
    InvalidName,
    /// The version in the address is no exact version.
    InvalidVersion,
    /// The address is not valid UTF-8 once decoded.
    InvalidPath,
    /// A parameter of the query is not what it should be.
    InvalidQuery,
    /// The body is not what it should be.
    InvalidBody,
    /// The hash is no SHA-256.
    InvalidHash,
    /// The id is no certificate's id.
    InvalidId,
    /// A header is not what it should be.
    InvalidHeader,
    /// The files are no project that can be read.
    InvalidManifest,
    /// What was submitted cannot be reviewed; `problems` lists everything that stands in the way.
    InvalidSubmission,
    /// There is no token, or none that counts.
    Unauthorized,
    /// The token does not allow this.
    MissingScope,
    /// It contradicts what was sent before.
    Conflict,
    /// There are as many of these as one owner may have.
    TooMany,
    /// No certificate was issued for exactly this.
    NotCertified,
    /// There is nothing at this address.
    NotFound,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// The request accepts no encoding that there is, not even none.
    NotAcceptable,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body is larger than the server reads.
    BodyTooLarge,
    /// The address is longer than the server reads.
    UriTooLong,
    /// The head of the request is larger than the server reads.
    HeadTooLarge,
    /// The body has to be JSON.
    UnsupportedMediaType,
    /// Too many requests from one address.
    RateLimited,
    /// Not for this address.
    Forbidden,
    /// The request took longer than the server waits.
    Timeout,
    /// The server cannot answer at the moment.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Code {
    /// Every code, for the page that explains them.
    pub const ALL: [Self; 29] = [
        Self::InvalidRegistry,
        Self::InvalidName,
        Self::InvalidVersion,
        Self::InvalidPath,
        Self::InvalidQuery,
        Self::InvalidBody,
        Self::InvalidHash,
        Self::InvalidId,
        Self::InvalidHeader,
        Self::InvalidManifest,
        Self::InvalidSubmission,
        Self::Unauthorized,
        Self::MissingScope,
        Self::Conflict,
        Self::TooMany,
        Self::NotCertified,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::BodyTimeout,
        Self::BodyTooLarge,
        Self::UriTooLong,
        Self::HeadTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::Forbidden,
        Self::Timeout,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code, the status and the title.
    fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidRegistry => ("invalid-registry", StatusCode::BAD_REQUEST, "Unknown registry"),
            Self::InvalidName => ("invalid-name", StatusCode::BAD_REQUEST, "Not a package name"),
            Self::InvalidVersion => ("invalid-version", StatusCode::BAD_REQUEST, "Not an exact version"),
            Self::InvalidPath => ("invalid-path", StatusCode::BAD_REQUEST, "Not a readable address"),
            Self::InvalidQuery => ("invalid-query", StatusCode::BAD_REQUEST, "Not a valid query"),
            Self::InvalidBody => ("invalid-body", StatusCode::BAD_REQUEST, "Not a valid body"),
            Self::InvalidHash => ("invalid-hash", StatusCode::BAD_REQUEST, "Not a SHA-256"),
            Self::InvalidId => ("invalid-id", StatusCode::BAD_REQUEST, "Not a certificate id"),
            Self::InvalidHeader => ("invalid-header", StatusCode::BAD_REQUEST, "Not a valid header"),
            Self::InvalidManifest => ("invalid-manifest", StatusCode::BAD_REQUEST, "Not a readable project"),
            Self::InvalidSubmission => {
                ("invalid-submission", StatusCode::UNPROCESSABLE_ENTITY, "Cannot be reviewed as it is")
            }
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "No valid token"),
            Self::MissingScope => ("missing-scope", StatusCode::FORBIDDEN, "The token does not allow this"),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "Sent before with another meaning"),
            Self::TooMany => ("too-many", StatusCode::CONFLICT, "As many as there may be"),
            Self::NotCertified => ("not-certified", StatusCode::NOT_FOUND, "Not certified"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "Nothing here"),
            Self::MethodNotAllowed => ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::NotAcceptable => ("not-acceptable", StatusCode::NOT_ACCEPTABLE, "No encoding is accepted"),
            Self::BodyTimeout => ("body-timeout", StatusCode::REQUEST_TIMEOUT, "Body did not arrive"),
            Self::BodyTooLarge => ("body-too-large", StatusCode::PAYLOAD_TOO_LARGE, "Body too large"),
            Self::UriTooLong => ("uri-too-long", StatusCode::URI_TOO_LONG, "Address too long"),
            Self::HeadTooLarge => {
                ("head-too-large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Head of the request too large")
            }
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be JSON")
            }
            Self::RateLimited => ("rate-limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "Not for this address"),
            Self::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE, "Took too long"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "Not at the moment"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Our fault"),
        }
    }

    /// The code as the document has it.
    pub fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        self.parts().1
    }

    /// A few words.
    pub fn title(self) -> &'static str {
        self.parts().2
    }
}

/// A problem on its way to the client. `front` writes the document, with the request's id.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    retry_after: Option<u64>,
    problems: Vec<Obstacle>,
    /// For the log, never for the client.
    cause: Option<String>,
}

/// Characters of a detail: some repeat what the client sent.
const MAX_DETAIL: usize = 500;

impl Problem {
    /// A problem with a sentence about it, which the client sees.
    pub fn new(code: Code, detail: impl std::fmt::Display) -> Self {
        Self {
            code,
            detail: printable(&detail.to_string(), MAX_DETAIL),
            retry_after: None,
            problems: Vec::new(),
            cause: None,
        }
    }

    /// Our fault. The cause is logged; the client sees none of it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let cause = Some(printable(&cause.to_string(), 2000));
        Self {
            cause,
            ..Self::new(Code::Internal, "The server failed. The request's id helps its operator to find out why.")
        }
    }

    /// The same, with the number of seconds after which to try again.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same, with everything that stands in the way.
    pub fn because_of(self, problems: Vec<Obstacle>) -> Self {
        Self { problems, ..self }
    }

    /// What happened inside, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The document for one occurrence.
    pub(crate) fn document(&self, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("/problems/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            instance: format!("urn:sigma:request:{request_id}"),
            code: self.code.as_str().to_owned(),
            problems: self.problems.clone(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.passes() {
            let cause = Some(printable(&error.to_string(), 2000));
            let problem = Self::new(Code::Unavailable, "the database does not answer at the moment");
            return Self { cause, ..problem }.retry_after(2);
        }
        Self::internal(error)
    }
}

/// Carries the problem to `front` as an extension of an empty answer.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"sigma\""));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An RFC 9457 problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-certified")]
    kind: String,
    /// A few words.
    #[schema(example = "Not certified")]
    title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What happened, in a sentence.
    detail: String,
    /// This request.
    instance: String,
    /// A code that never changes its meaning.
    #[schema(example = "not-certified")]
    code: String,
    /// Everything that stands in the way, where there may be several things.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Obstacle>,
}

/// One thing that stands in the way of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Obstacle {
    /// What kind of thing; never changes its meaning.
    #[schema(example = "entry.missing")]
    pub code: String,
    /// Where, relative to the root of the repository.
    pub path: Option<String>,
    /// What it is, in a sentence.
    pub detail: String,
    /// What to do about it.
    pub remedy: String,
}

/// Problems that any endpoint may answer with.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)] // Only its schema is used.
pub enum Problems {
    /// Something in the request is not what it should be; `code` tells what.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
    /// Nothing is certified, or nothing is there.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// Too many requests; `Retry-After` tells when to go on.
    #[response(status = 429, content_type = "application/problem+json")]
    RateLimited(ProblemDocument),
    /// Something else about the request: its method, size, type or length; `code` tells what.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Refused(ProblemDocument),
    /// The server cannot answer.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Failed(ProblemDocument),
}

/// Problems of the developer API besides those.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)] // Only its schema is used.
pub enum Refusals {
    /// There is no token, or none that counts.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemDocument),
    /// The token does not allow this.
    #[response(status = 403, content_type = "application/problem+json")]
    MissingScope(ProblemDocument),
    /// It contradicts what was sent before, or there are as many as there may be.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDocument),
}
