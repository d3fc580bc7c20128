//! PyPI's provenance objects (PEP 740): announced by the index page, served file by file.
//!
//! In: index pages as JSON (`provenance`) or HTML (`data-provenance`). Out: [`Attestations`] of each file. An index tells of
//! provenance since version 1.3 of the Simple API; what an older page leaves out is not known. The address is the index's
//! own word, and held to the same hosts as those of files.

use std::collections::HashMap;

use serde::Deserialize;
use sigma_core::{Distribution, PackageId, printable};

use crate::{Attestations, EcosystemConfig, Http};

const PAGE: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";
const PROVENANCE: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5";

/// The version of the Simple API that brought provenance.
const SINCE: (u32, u32) = (1, 3);

/// What a page says.
#[derive(Debug, PartialEq)]
struct Page {
    /// Major and minor version of the Simple API; `None` where the page does not say, which is 1.0 (PEP 629).
    version: Option<(u32, u32)>,
    /// File names, and the address of their provenance where one is announced.
    files: HashMap<String, Option<String>>,
}

/// What the index serves for each file, in the same order.
pub(super) async fn of_files(
    http: &Http,
    config: &EcosystemConfig,
    id: &PackageId,
    files: &[Distribution],
) -> Vec<Attestations> {
    let all = |reason: &str| files.iter().map(|_| Attestations::unavailable(reason)).collect();
    let mut url = config.pypi_index.clone();
    let extended = url.path_segments_mut().map(|mut path| {
        path.pop_if_empty().extend([id.name().as_str(), ""]);
    });
    if extended.is_err() {
        return all("the address of the index cannot be extended");
    }
    let bytes = match http.get(&url, PAGE).await {
        Ok(bytes) => bytes,
        Err(error) => return all(&error.to_string()),
    };
    // Pages of large projects take a while to read.
    let page = match tokio::task::spawn_blocking(move || read(&bytes)).await {
        Ok(Ok(page)) => page,
        Ok(Err(why)) => return all(&format!("the index page cannot be read: {why}")),
        Err(_) => return all("reading the index page failed"),
    };
    let mut answers = Vec::with_capacity(files.len());
    for file in files {
        answers.push(match page.announced(&file.filename) {
            Ok(Some(address)) => match url.join(address) {
                Ok(address) => Attestations::fetch(http, &address, PROVENANCE).await,
                Err(_) => Attestations::unavailable("the index announces an address of provenance that is none"),
            },
            Ok(None) => Attestations::Absent,
            Err(why) => Attestations::unavailable(&why),
        });
    }
    answers
}

impl Page {
    /// Where the provenance of a file is announced, or that none is; the reason where the page does not tell.
    fn announced(&self, filename: &str) -> Result<Option<&str>, String> {
        let Some(announced) = self.files.get(filename) else {
            return Err("the index does not list the file".to_owned());
        };
        if let Some(address) = announced {
            return Ok(Some(address));
        }
        match self.version {
            Some(version) if version >= SINCE && version.0 == SINCE.0 => Ok(None),
            Some((major, minor)) => Err(format!(
                "the index speaks version {major}.{minor} of the Simple API, which does not tell of provenance"
            )),
            None => Err("the index does not say which version of the Simple API it speaks".to_owned()),
        }
    }
}

/// Reads a page: JSON begins with a brace, HTML does not.
fn read(bytes: &[u8]) -> Result<Page, String> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => json(bytes),
        _ => html(&String::from_utf8_lossy(bytes)),
    }
}

fn json(bytes: &[u8]) -> Result<Page, String> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default)]
        meta: Meta,
        files: Vec<File>,
    }
    #[derive(Default, Deserialize)]
    struct Meta {
        #[serde(default, rename = "api-version")]
        version: String,
    }
    #[derive(Deserialize)]
    struct File {
        filename: String,
        #[serde(default)]
        provenance: Option<String>,
    }
    let wire: Wire = serde_json::from_slice(bytes).map_err(|error| printable(&error.to_string(), 200))?;
    let files = wire.files.into_iter().map(|file| (file.filename, file.provenance)).collect();
    Ok(Page { version: version(&wire.meta.version), files })
}

fn html(text: &str) -> Result<Page, String> {
    let dom = tl::parse(text, tl::ParserOptions::default()).map_err(|error| printable(&error.to_string(), 200))?;
    let mut page = Page { version: None, files: HashMap::new() };
    for tag in dom.nodes().iter().filter_map(tl::Node::as_tag) {
        let attribute = |name: &str| Some(tag.attributes().get(name).flatten()?.as_utf8_str().into_owned());
        let is = |name: &[u8]| tag.name().as_bytes().eq_ignore_ascii_case(name);
        if is(b"meta") && attribute("name").as_deref() == Some("pypi:repository-version") {
            page.version = attribute("content").as_deref().and_then(version);
        } else if is(b"a") {
            let filename = tag.inner_text(dom.parser()).trim().to_owned();
            page.files.insert(filename, attribute("data-provenance").map(|address| address.replace("&amp;", "&")));
        }
    }
    Ok(page)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expect: &str) {
        let got =
            match read(page.as_bytes()).map(|page| page.announced("demo-1.0.tar.gz").map(|at| at.map(str::to_owned))) {
                Ok(Ok(Some(address))) => address,
                Ok(Ok(None)) => "none".to_owned(),
                Ok(Err(why)) | Err(why) => format!("? {why}"),
            };
        assert_eq!(got, expect, "{page}");
    }

    #[test]
    fn a_page_of_version_1_3_tells_of_provenance() {
        let json = |version: &str, rest: &str| {
            format!(r#"{{"meta": {{"api-version": "{version}"}}, "files": [{{"filename": "demo-1.0.tar.gz"{rest}}}]}}"#)
        };
        check(&json("1.3", r#", "provenance": "https://x.example/p""#), "https://x.example/p");
        check(&json("1.4", r#", "provenance": null"#), "none");
        check(&json("1.10", ""), "none");
        check(&json("1.1", ""), "? the index speaks version 1.1 of the Simple API, which does not tell of provenance");
        check(&json("2.0", ""), "? the index speaks version 2.0 of the Simple API, which does not tell of provenance");
        check(&json("", ""), "? the index does not say which version of the Simple API it speaks");
        check(r#"{"files": []}"#, "? the index does not list the file");
        check(r#"{"files": 1}"#, "? invalid type: integer `1`, expected a sequence at line 1 column 11");
    }

    #[test]
    fn html_tells_the_same() {
        let html = |meta: &str, attribute: &str| {
            format!(
                "<!DOCTYPE html><html><head>{meta}</head><body><a href=\"x\"{attribute}>demo-1.0.tar.gz</a></body></html>"
            )
        };
        let meta = "<meta name=\"pypi:repository-version\" content=\"1.3\">";
        check(&html(meta, " data-provenance=\"https://x.example/p?a=1&amp;b=2\""), "https://x.example/p?a=1&b=2");
        check(&html(meta, ""), "none");
        check(&html("", ""), "? the index does not say which version of the Simple API it speaks");
        check("", "? the index does not list the file");
    }
}
