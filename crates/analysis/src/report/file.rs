//! A file of a distribution: as it comes, and as it is kept.

use std::sync::Arc;

use hashbrown::HashMap;
use sigma_core::{Reach, Severity, Sha256};

use super::Outcome;
use crate::archive::{Content, Member};
use crate::facts::When;
use crate::language::Language;
use crate::rules::Hit;

/// One file of a distribution.
pub(crate) struct File<'a> {
    /// Path, printable.
    pub path: &'a str,
    /// Size of the whole.
    pub size: u64,
    /// Digest of the whole.
    pub sha256: Sha256,
    /// The bytes, or the first of them.
    pub bytes: &'a [u8],
    /// Whether `bytes` is all of it.
    pub whole: bool,
}

impl<'a> File<'a> {
    /// A member of an archive.
    pub fn of(member: &'a Member<'_>) -> Self {
        let whole = matches!(member.content, Content::Whole(_));
        let (path, size, sha256) = (member.path, member.size, member.sha256);
        Self { path, size, sha256, bytes: member.content.bytes(), whole }
    }
}

/// A file with something to say about it.
pub(crate) struct FileRecord {
    /// Printable path.
    pub path: String,
    /// Path inside the package.
    pub inner: String,
    /// What the rules say of it.
    pub outcome: Arc<Outcome>,
    /// When its module level runs.
    pub reach: Reach,
    /// Whether an npm script runs it.
    pub hooked: bool,
    /// When its functions run, where something reaches them.
    pub functions: HashMap<u32, Reach>,
    /// The language, if it is source.
    pub language: Option<Language>,
}

impl FileRecord {
    /// When what a hit shows runs.
    pub fn reach_of(&self, when: When, function: u32) -> Reach {
        match (self.reach, when) {
            (Reach::Test, _) => Reach::Test,
            (reach, When::Load) => reach,
            (_, When::Call) => self.functions.get(&function).copied().unwrap_or(Reach::Call),
        }
    }

    /// The hits of the file that ask for CAUTION on their own, what they weigh, and when what they show runs.
    pub fn serious(&self) -> impl Iterator<Item = (&Hit, Severity, Reach)> {
        let weighed = self.outcome.hits.iter().map(|hit| {
            let reach = hit.reach.unwrap_or(self.reach_of(hit.when, hit.function));
            (hit, hit.severity_at(reach), reach)
        });
        weighed.filter(|(_, severity, reach)| *severity >= Severity::High && *reach != Reach::Test)
    }

    /// A file whose place in the package is not known yet.
    pub fn of(path: String, inner: String, language: Option<Language>, outcome: Arc<Outcome>) -> Self {
        Self { path, inner, outcome, reach: Reach::Import, hooked: false, functions: HashMap::new(), language }
    }

    /// True for source whose imports and calls are followed.
    pub fn is_program(&self) -> bool {
        self.language.is_some_and(|language| language != Language::Shell)
    }
}
