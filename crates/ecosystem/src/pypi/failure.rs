//! uv's errors, sorted: what the index or the network did ([`HttpError`]), and what is left as text.
//!
//! In: errors that hold URLs, colours and text of strangers. Out: our own types, printable and bounded.

use std::error::Error;

use crate::HttpError;

/// Characters kept of one line of uv's explanations.
const MAX_LINE: usize = 1000;

/// Characters kept of a whole explanation.
const MAX_DETAIL: usize = 4096;

/// Finds what went wrong between us and the index in an error of uv's client, which always is about that.
pub(super) fn of_client(error: &uv_client::Error) -> HttpError {
    use uv_client::ErrorKind;
    let url = |url: &dyn std::fmt::Display| without_credentials(&url.to_string());
    let garbage = |url: String, why: String| HttpError::Garbage { url, expected: "an index page", why: line(&why) };
    match error.kind() {
        ErrorKind::WrappedReqwestError(address, cause) => {
            if let Some(ours) = ours(cause) {
                return ours;
            }
            match cause.status() {
                // How long the index asked to be left alone is not in uv's error; [`super::index::Index::noting_pause`] adds it.
                Some(status) => HttpError::Status { url: url(address), status: status.as_u16(), retry_after: None },
                None => HttpError::Unreachable { url: url(address), why: causes(cause) },
            }
        }
        ErrorKind::BadJson { source, url: address } => garbage(url(address), source.to_string()),
        ErrorKind::BadHtml { source, url: address } => garbage(url(address), source.to_string()),
        ErrorKind::MissingContentType(address) => garbage(url(address), "it has no content type".to_owned()),
        ErrorKind::InvalidContentTypeHeader(address, _) => garbage(url(address), "its content type is garbled".into()),
        ErrorKind::UnsupportedMediaType(address, kind) => garbage(url(address), format!("its type is `{kind}`")),
        ErrorKind::AsyncHttpRangeReader(address, cause) => {
            ours(cause).unwrap_or_else(|| HttpError::Unreachable { url: url(address), why: causes(cause) })
        }
        ErrorKind::Offline(what) => HttpError::Offline { url: without_credentials(what) },
        _ => ours(error).unwrap_or_else(|| HttpError::Unreachable { url: "the index".to_owned(), why: causes(error) }),
    }
}

/// The same for the errors of distributions; `None` when it is about the distribution itself.
pub(super) fn of_distribution(error: &uv_distribution::Error) -> Option<HttpError> {
    match error {
        uv_distribution::Error::Client(client) => match client.kind() {
            uv_client::ErrorKind::MetadataParseError(..)
            | uv_client::ErrorKind::Metadata(..)
            | uv_client::ErrorKind::NameMismatch { .. }
            | uv_client::ErrorKind::Zip(..) => None,
            _ => Some(of_client(client)),
        },
        other => ours(other),
    }
}

/// Something that only concerns the one file, and says nothing about the index as a whole.
pub(super) fn is_about_the_file(error: &HttpError) -> bool {
    let refused = matches!(error, HttpError::TooLarge { .. } | HttpError::Forbidden { .. } | HttpError::Garbage { .. });
    refused || error.is_not_found()
}

/// An error of ours that travelled through uv's.
fn ours(error: &(dyn Error + 'static)) -> Option<HttpError> {
    let mut next = Some(error);
    // uv's chains are a handful long; the bound only keeps a cycle from hanging us.
    for _ in 0..32 {
        let error = next?;
        if let Some(found) = error.downcast_ref::<HttpError>() {
            return Some(found.clone());
        }
        next = error.source();
    }
    None
}

/// An error and its causes on one line.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| text.len() < MAX_LINE) {
        let part = error.to_string();
        if !text.ends_with(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    line(&text)
}

/// One printable line without colours.
pub(super) fn line(text: &str) -> String {
    sigma_core::printable(&without_colours(text), MAX_LINE)
}

/// Several printable lines without colours, at most about 4 KB.
pub(super) fn detail(text: &str) -> String {
    let mut out = String::new();
    for part in without_colours(text).lines() {
        let part = sigma_core::printable(part.trim_end(), MAX_LINE);
        if out.len() + part.len() > MAX_DETAIL {
            out.push_str("\n…");
            break;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&part);
    }
    out
}

/// Drops the ANSI sequences (`ESC [ ... letter`) with which uv colours names.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            chars.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

/// A URL of uv's for messages. uv masks passwords; user names and queries go too.
pub(super) fn without_credentials(text: &str) -> String {
    url::Url::parse(text).map_or_else(|_| line(text), |url| crate::http::shown(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanations_are_printable_and_bounded() {
        assert_eq!(detail("\u{1b}[36mfoo\u{1b}[39m needs bar\r\n  \u{202e}and"), "foo needs bar\n  \\u{202e}and");
        let long = format!("{}\n", "x".repeat(900)).repeat(20);
        assert!(detail(&long).len() < 5000);
        assert!(detail(&long).ends_with('…'));
        assert_eq!(
            without_credentials("https://me:secret@index.test/simple/x/?token=1"),
            "https://index.test/simple/x/"
        );
    }
}
