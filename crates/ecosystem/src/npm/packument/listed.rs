//! A version as a packument holds it: what choosing among versions looks at, and everything else as JSON text.
//!
//! In: a [`Published`], or one as the cache kept it. Out: the same, whenever it is asked for. Of the thousands of versions
//! of a package few are ever chosen; held in full they would take four times the memory.

use std::sync::{Arc, OnceLock};

use deno_semver::Version;

use super::Published;

/// One version, mostly unread.
#[derive(Debug)]
pub(in crate::npm) struct Listed {
    /// The version as published.
    pub version: Box<str>,
    /// The same, parsed.
    pub parsed: Version,
    pub deprecated: bool,
    pub engine_node: Option<Box<str>>,
    pub engine_npm: Option<Box<str>>,
    /// A [`Published`], on one line.
    json: Box<str>,
    read: OnceLock<Arc<Published>>,
}

impl Listed {
    pub(super) fn new(published: Published) -> Self {
        let json = serde_json::to_string(&published).expect("texts and lists of texts can always be written as JSON");
        Self::with_json(published, json)
    }

    /// Reads [`Listed::json`].
    pub(super) fn parse(json: &str) -> Option<Self> {
        let mut published: Published = serde_json::from_str(json).ok()?;
        published.parsed = Version::parse_from_npm(&published.version).ok()?;
        Some(Self::with_json(published, json.to_owned()))
    }

    fn with_json(published: Published, json: String) -> Self {
        Self {
            version: published.version.into(),
            parsed: published.parsed,
            deprecated: published.deprecated.is_some(),
            engine_node: published.engine_node.map(Into::into),
            engine_npm: published.engine_npm.map(Into::into),
            json: json.into(),
            read: OnceLock::new(),
        }
    }

    /// Adds when it was published: packuments tell that apart from the version.
    pub(super) fn set_published(&mut self, time: &str) {
        let fields = self.json.strip_suffix('}').unwrap_or(&self.json);
        // The fields before it always include the version.
        self.json = format!("{fields},\"published\":{}}}", serde_json::Value::from(time)).into();
    }

    /// All of it as JSON, without line breaks.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// All of it. Kept from the first time on.
    pub(in crate::npm) fn read(&self) -> &Arc<Published> {
        self.read.get_or_init(|| {
            let published: Published =
                serde_json::from_str(&self.json).expect("it was written from one, or read as one");
            Arc::new(Published { parsed: self.parsed.clone(), ..published })
        })
    }
}
