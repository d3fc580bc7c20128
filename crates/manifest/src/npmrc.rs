//! The project's `.npmrc`: which registries it names. Nothing else in it is read, tokens least of all.

use std::collections::BTreeSet;

use sigma_core::{Declared, Refusal};

use super::ManifestError;
use super::draft::Draft;
use super::pip_line::expand;
use super::public_index::is_public;
use super::source_file::{Reading, SourceFile};

/// Registries other than the public one.
#[derive(Debug, Default)]
pub(super) struct OtherRegistries {
    everything: bool,
    scopes: BTreeSet<String>,
}

impl OtherRegistries {
    /// Reads the `.npmrc` beside a manifest, if there is one; each other registry is refused in the draft.
    pub fn beside(source: &SourceFile, reading: &mut Reading<'_>, draft: &mut Draft) -> Result<Self, ManifestError> {
        let Some(file) = reading.open_beside(source, ".npmrc")? else { return Ok(Self::default()) };
        let mut found = Self::default();
        for (number, line) in file.text.lines().enumerate() {
            let line = line.trim();
            let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with([';', '#'])) else { continue };
            let unquote = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
            let (key, value) = (unquote(key), unquote(value));
            let scope = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@'));
            if key != "registry" && scope.is_none() {
                continue;
            }
            // A variable without a value leaves `${...}` in the URL, which is then not the public one.
            let url = expand(&value, &reading.options.variables).unwrap_or_default();
            if is_public(&url, &reading.options.npm_registries) {
                continue;
            }
            match scope {
                Some(scope) => {
                    found.scopes.insert(scope.to_owned());
                }
                None => found.everything = true,
            }
            let at = file.line(u32::try_from(number + 1).unwrap_or(u32::MAX));
            draft.refuse_as(&format!("{key}={value}"), Refusal::OtherIndex, at);
        }
        Ok(found)
    }

    /// Whether a package would come from another registry.
    pub fn concerns(&self, name: &str) -> bool {
        self.everything || name.split_once('/').is_some_and(|(scope, _)| self.scopes.contains(scope))
    }

    /// Refuses the declarations that would come from another registry.
    pub fn refuse(&self, draft: &mut Draft) {
        if self.everything || !self.scopes.is_empty() {
            draft.refuse_where(Refusal::OtherIndex, |declared: &Declared| self.concerns(declared.name.as_str()));
        }
    }
}
