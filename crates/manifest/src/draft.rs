//! A manifest while it is being read. It keeps declarations and refusals in one file order, and it is bounded.

use sigma_core::{Declared, Ecosystem, Location, Manifest, ManifestSource, Problem, Refusal, Refused, printable};

use super::{ManifestError, advice, redact};

/// Why one declaration is not eligible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub reason: Refusal,
    pub advice: String,
}

impl Rejection {
    /// With the usual advice for the reason.
    pub fn new(ecosystem: Ecosystem, reason: Refusal) -> Self {
        Self { reason, advice: advice::for_reason(ecosystem, reason).to_owned() }
    }

    /// Something that cannot be read, with what is wrong about it.
    pub fn unparsable(message: impl AsRef<str>) -> Self {
        Self { reason: Refusal::Unparsable, advice: printable(message.as_ref(), 300) }
    }
}

enum Entry {
    Declared(Box<Declared>),
    Refused(Refused),
}

/// Declarations, refusals and problems so far.
pub(super) struct Draft {
    ecosystem: Ecosystem,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    count: usize,
    limit: usize,
    overflow: Option<Location>,
}

impl Draft {
    pub fn new(ecosystem: Ecosystem, limit: usize) -> Self {
        Self { ecosystem, entries: Vec::new(), problems: Vec::new(), count: 0, limit, overflow: None }
    }

    /// Counts one entry; false when there are too many, which [`Draft::finish`] turns into an error.
    pub fn admit(&mut self, at: &Location) -> bool {
        self.count += 1;
        if self.count > self.limit && self.overflow.is_none() {
            self.overflow = Some(at.clone());
        }
        self.overflow.is_none()
    }

    /// True once there are too many entries: reading on is of no use.
    pub fn is_full(&self) -> bool {
        self.overflow.is_some()
    }

    /// An eligible declaration.
    pub fn declare(&mut self, declared: Declared) {
        if self.admit(&declared.at) {
            self.entries.push(Entry::Declared(Box::new(declared)));
        }
    }

    /// A declaration that is not eligible; `declaration` is the text as written.
    pub fn refuse(&mut self, declaration: &str, rejection: Rejection, at: Location) {
        if self.admit(&at) {
            let declaration = redact::declaration(declaration);
            let Rejection { reason, advice } = rejection;
            self.entries.push(Entry::Refused(Refused { ecosystem: self.ecosystem, declaration, reason, advice, at }));
        }
    }

    /// A refusal with the usual advice.
    pub fn refuse_as(&mut self, declaration: &str, reason: Refusal, at: Location) {
        self.refuse(declaration, Rejection::new(self.ecosystem, reason), at);
    }

    /// Something the reader should know.
    pub fn problem(&mut self, message: impl AsRef<str>, at: Location) {
        if self.admit(&at) {
            self.problems.push(Problem { message: printable(message.as_ref(), 500), at });
        }
    }

    /// Turns eligible declarations into refusals: with another index in play nobody can tell where they come from.
    pub fn refuse_where(&mut self, reason: Refusal, mut concerns: impl FnMut(&Declared) -> bool) {
        for entry in &mut self.entries {
            if let Entry::Declared(declared) = entry
                && concerns(declared)
            {
                let name = declared.alias.as_deref().unwrap_or(declared.name.as_str());
                let gap = if self.ecosystem == Ecosystem::Npm { "@" } else { "" };
                *entry = Entry::Refused(Refused {
                    ecosystem: self.ecosystem,
                    declaration: redact::declaration(&format!("{name}{gap}{}", declared.spec)),
                    reason,
                    advice: advice::for_reason(self.ecosystem, reason).to_owned(),
                    at: declared.at.clone(),
                });
            }
        }
    }

    /// The eligible declarations so far.
    pub fn declared_mut(&mut self) -> impl Iterator<Item = &mut Declared> {
        self.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Declared(declared) => Some(declared.as_mut()),
            Entry::Refused(_) => None,
        })
    }

    /// The manifest, unless it holds too much.
    pub fn finish(self, files: Vec<String>, source: ManifestSource) -> Result<Manifest, ManifestError> {
        if let Some(at) = self.overflow {
            return Err(ManifestError::TooManyEntries { at, limit: self.limit });
        }
        let (mut declared, mut refused) = (Vec::new(), Vec::new());
        for entry in self.entries {
            match entry {
                Entry::Declared(entry) => declared.push(*entry),
                Entry::Refused(entry) => refused.push(entry),
            }
        }
        let path = files.first().cloned().unwrap_or_default();
        Ok(Manifest { ecosystem: self.ecosystem, path, files, declared, refused, problems: self.problems, source })
    }
}
