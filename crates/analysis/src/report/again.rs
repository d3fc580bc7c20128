//! Files that have to be read once more, because of what others say.
//!
//! In: a [`Distribution`] whose files were all seen once. Out: the paths of those that it needs again, and what comes of them.

use std::collections::HashSet;

use sigma_core::printable;

use super::{Distribution, MAX_PATH, entry, manifest, reach};
use crate::language::Language;
use crate::limits::Limits;

impl Distribution<'_> {
    /// Files that have to be read once more: sources that stand beside their compiled files, and texts that a program
    /// loads or starts, whatever they are called.
    pub fn wanted_again(&mut self) -> HashSet<String> {
        let mut paths = self.sources_to_compare();
        let unnamed = std::mem::take(&mut self.unnamed);
        if unnamed.is_empty() {
            return paths;
        }
        let stems = reach::Stems::of(unnamed.keys().map(String::as_str).zip(0..));
        let names = entry::Named::of(&stems);
        let all: Vec<&String> = unnamed.values().collect();
        for file in self.files.iter().filter(|file| file.is_program()) {
            let Some(language) = file.language else { continue };
            let folder = reach::folder_of(&file.inner);
            // Node.js runs what it is asked to load whatever its ending; Python does not.
            let modules = file.outcome.modules.iter().filter(|_| language != Language::Python);
            let loaded = modules.filter_map(|(module, _)| stems.exact(&reach::resolve(folder, module)));
            let started = file.outcome.links.started.iter().filter_map(|(name, _)| names.find(name, folder));
            for index in loaded.chain(started) {
                self.programs.entry(all[index].clone()).or_insert(language);
            }
        }
        // `node -r ./x.dat`: Node.js runs whatever a command of npm tells it to.
        let commands = self.manifests.scripts.iter().filter(|script| script.command.contains("node"));
        for word in commands.flat_map(|script| script.command.split([' ', '=', '"', '\''])) {
            if let Some(index) = stems.exact(&manifest::plain_path(word)) {
                self.programs.entry(all[index].clone()).or_insert(Language::JavaScript);
            }
        }
        paths.extend(self.programs.keys().cloned());
        paths
    }

    /// Reads a file of [`Self::wanted_again`].
    pub fn add_again(&mut self, path: &str, bytes: &[u8], limits: &Limits) {
        self.compare(path, bytes);
        let Some(language) = self.programs.remove(path) else { return };
        let (printed, inner) = (printable(path, MAX_PATH), reach::inner_path(self.kind, path).to_owned());
        self.files.retain(|file| file.path != printed);
        let not_parsed = self.add_program(&printed, inner, bytes, language, limits);
        if let Some(index) = self.entries.iter().position(|entry| entry.path == path) {
            self.states.note_again(index, &printed, not_parsed);
        }
    }
}
