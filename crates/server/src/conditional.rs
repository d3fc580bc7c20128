//! Answers that clients may keep, as long as they ask whether they still hold (RFC 9110, section 13; RFC 9111).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use crate::encoding::Encoding;

/// What every answer with a tag may be instead.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the OpenAPI document is made of it")]
pub(crate) enum Unchanged {
    /// The client has it already.
    #[response(status = 304)]
    Unchanged,
}

/// A body with its validator.
#[derive(Debug, Clone)]
pub struct Tagged {
    /// The JSON, in its encoding.
    pub(crate) body: Bytes,
    /// How it is written.
    pub(crate) encoding: Encoding,
    /// Its weak entity tag, the same in every encoding: compressing changes bytes, not what they say (RFC 9110, section 8.8.3.3).
    pub(crate) etag: HeaderValue,
}

/// An answer may be kept, but whoever uses it asks first: a revocation shows at once.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, no-cache");
/// Headers that an answer has in the end: reserved at once.
const HEADERS: usize = 12;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Tagged {
    /// A body with a tag made of its bytes.
    pub fn hashed(body: Vec<u8>) -> Self {
        let digest = sigma_core::Sha256::of(&body).to_string();
        Self::plain(body.into(), etag(&digest[..32]))
    }

    /// A body as it is.
    pub(crate) fn plain(body: Bytes, etag: HeaderValue) -> Self {
        Self { body, encoding: Encoding::Identity, etag }
    }

    /// The same in an encoding, where it is not in one yet.
    pub(crate) fn written(self, encoding: Encoding) -> Self {
        if self.encoding != Encoding::Identity || encoding == Encoding::Identity {
            return self;
        }
        match encoding.write(&self.body) {
            Some(body) => Self { body: body.into(), encoding, ..self },
            None => self,
        }
    }

    /// The answer: 304 without a body where the client has it already.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let known = request.get_all(header::IF_NONE_MATCH).iter().any(|tags| matches(tags, &self.etag));
        let (status, body) = match known {
            true => (StatusCode::NOT_MODIFIED, Body::empty()),
            false => (StatusCode::OK, Body::from(self.body.clone())),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(header::CONTENT_TYPE, JSON);
        if let Some(name) = self.encoding.name().filter(|_| !known) {
            headers.insert(header::CONTENT_ENCODING, name);
        }
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
        response
    }
}

/// A weak tag of a text made of letters, digits and `-`, `_`, `.`.
pub fn etag(text: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("W/\"{text}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Whether a list of tags holds one, compared weakly; `*` holds any.
fn matches(list: &HeaderValue, etag: &HeaderValue) -> bool {
    fn opaque(tag: &str) -> &str {
        tag.strip_prefix("W/").unwrap_or(tag)
    }
    let (Ok(list), Ok(etag)) = (list.to_str(), etag.to_str()) else { return false };
    // Our tags hold no comma, so splitting at one never cuts the tag that would match.
    list.split(',').map(str::trim).any(|tag| tag == "*" || opaque(tag) == opaque(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let ours = etag("pkg_x-0");
        let check = |list: &str| matches(&HeaderValue::from_str(list).unwrap(), &ours);
        assert!(check("W/\"pkg_x-0\"") && check("\"pkg_x-0\"") && check("\"other\", W/\"pkg_x-0\"") && check("*"));
        assert!(!check("\"pkg_x\"") && !check("pkg_x-0") && !check(""));
    }
}
