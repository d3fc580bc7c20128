//! Index settings of uv, in `[tool.uv]` or `uv.toml`: which other indexes a project names, and for what.

use std::collections::BTreeMap;

use sigma_core::Refusal;
use url::Url;

use super::draft::Draft;
use super::public_index::is_public;
use super::source_file::SourceFile;
use super::toml_file::Row;

/// The indexes that uv would ask.
#[derive(Debug, Default)]
pub(super) struct UvIndexes {
    /// Some index other than the public one may serve any package.
    pub other: bool,
    /// Named indexes: whether each is the public one.
    pub named: BTreeMap<String, bool>,
}

impl UvIndexes {
    /// Reads one table of settings; each other index is refused in the draft.
    pub fn read(&mut self, settings: Row<'_>, publics: &[Url], source: &SourceFile, draft: &mut Draft) {
        for index in settings.rows("index") {
            let url = index.text("url").unwrap_or_default();
            let public = is_public(url, publics);
            if let Some(name) = index.text("name") {
                self.named.insert(name.to_owned(), public);
            }
            // An explicit index serves only what [tool.uv.sources] sends there, and that is refused there.
            if !public && !index.is_true("explicit") {
                self.other = true;
                draft.refuse_as(&format!("index {url}"), Refusal::OtherIndex, source.at(index.offset));
            }
        }
        // Under [tool.uv.pip] stand the same keys for `uv pip`, which is another installer's business.
        if let Some(url) = settings.text("index-url").filter(|url| !is_public(url, publics)) {
            self.refuse("index-url", url, settings, source, draft);
        }
        for (value, _) in settings.values("extra-index-url") {
            let url = value.as_str().unwrap_or_default();
            if !is_public(url, publics) {
                self.refuse("extra-index-url", url, settings, source, draft);
            }
        }
        for (value, _) in settings.values("find-links") {
            self.refuse("find-links", value.as_str().unwrap_or_default(), settings, source, draft);
        }
        if settings.is_true("no-index") {
            self.refuse("no-index", "true", settings, source, draft);
        }
    }

    fn refuse(&mut self, key: &str, value: &str, settings: Row<'_>, source: &SourceFile, draft: &mut Draft) {
        self.other = true;
        draft.refuse_as(&format!("{key} = {value}"), Refusal::OtherIndex, source.at(settings.offset_of(key)));
    }
}
