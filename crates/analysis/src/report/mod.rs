//! From the files of a distribution to its report.
//!
//! In: members, one at a time, in the archive's order. Out: [`DistributionReport`] and [`FileSet`]. What is kept of a
//! file is its outcome, never its bytes. Everything is sorted and bounded; the same members give the same report.

mod again;
mod analysis_type;
pub(crate) mod binary;
mod bytecode;
mod cited;
mod coverage;
mod disguise;
mod entry;
mod file;
mod finish;
mod layers;
mod link;
mod local;
pub(crate) mod manifest;
mod oddity;
mod outcome;
mod plugins;
mod reach;
mod run_script;

pub use analysis_type::analysis_type;
pub(crate) use cited::digests as cited_digests;
pub(crate) use file::{File, FileRecord};
pub(crate) use finish::own_modules;
pub(crate) use outcome::{Memory, Outcome, Reading, hosts};

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sigma_core::{
    BinaryFile, Capability, Coverage, DistributionKind, FileEntry, FileState, PackageId, SkipReason, Skipped, printable,
};

use crate::Named;
use crate::archive::Walk;
use crate::facts::code_in_line;
use crate::language::{Language, is_declaration, language_of};
use crate::limits::Limits;
use crate::names::{Lookalike, Project, is_known, lookalike, project_of};
use crate::operator::OperatorRules;
use crate::parsers::{self, NotParsed};
use binary::{Binary, Bytecode};
use manifest::Manifests;

/// Entries of `skipped` in a report.
const MAX_SKIPPED: usize = 200;
/// Findings of one rule that a distribution's report holds, the strongest ones; more are only counted.
pub const MAX_FINDINGS: usize = 40;
/// Texts without the name of a source that may turn out to be one.
const MAX_UNNAMED: usize = 2_000;
/// Characters of a path in a report.
pub(crate) const MAX_PATH: usize = 1024;
/// Characters of evidence that are kept.
const MAX_EVIDENCE: usize = 160;

/// A distribution while and after its files are read.
pub(crate) struct Distribution<'a> {
    /// The package it is; nothing for bare files.
    package: Option<Cow<'a, PackageId>>,
    /// Whether its manifest may still say otherwise.
    perhaps: bool,
    /// Source and text files with findings or imports.
    pub files: Vec<FileRecord>,
    /// Native and compiled files.
    pub binaries: Vec<Binary>,
    /// What the manifests say.
    pub manifests: Manifests,
    /// What is odd about the archive.
    pub oddities: Vec<oddity::Judged>,
    /// Source that is named as if it were something else: its path and its language.
    pub disguised: Vec<(String, &'static str)>,
    /// Pickles that run something when they are loaded, and what.
    pub pickled: Vec<(String, String)>,
    /// Compiled files of Python.
    pub bytecode: Vec<Bytecode>,
    bytecode_bytes: u64,
    /// Texts that could be programs, though their names do not say so: path inside the package, and as it stands.
    unnamed: BTreeMap<String, String>,
    /// Those of them that a program loads or starts, and in which language it is written.
    programs: BTreeMap<String, Language>,
    /// What native files are able to do, by what they import.
    pub capabilities: BTreeSet<Capability>,
    /// What kind of file it is.
    pub kind: DistributionKind,
    /// The distribution's file name.
    pub filename: &'a str,
    /// Every file, in the archive's order.
    pub entries: Vec<FileEntry>,
    /// The file that is started, where one was declared.
    pub entry: Option<&'a str>,
    lookalike: OnceCell<Option<Lookalike>>,
    coverage: Coverage,
    states: coverage::States,
    /// What was read in another way than parsing, or not; the total counts beyond the list.
    skipped: Vec<Skipped>,
    skipped_total: u64,
    /// The operator's rules, and what they say of files that are not text.
    local: local::Locals<'a>,
}

impl<'a> Distribution<'a> {
    /// The package it is, as far as is known.
    pub fn package(&self) -> Option<&PackageId> {
        self.package.as_deref()
    }

    /// The well-known name that its own could be taken for.
    pub fn lookalike(&self) -> Option<Lookalike> {
        *self.lookalike.get_or_init(|| {
            let package = self.package()?;
            lookalike(package.ecosystem(), package.name().as_str())
        })
    }

    /// The well-known project whose repository its metadata calls its own, and the manifest that does.
    pub fn claims_repository_of(&self) -> Option<(&str, Project)> {
        let package = self.package()?;
        let about = self.manifests.about.iter();
        let mut projects = about.flat_map(|about| {
            about.urls.iter().filter_map(|url| project_of(url)).map(|project| (about.file.as_str(), project))
        });
        projects.find(|(_, project)| {
            let own =
                project.ecosystem == package.ecosystem() && is_known(package.ecosystem(), package.name().as_str());
            !own && !project.may_hold(package.name().as_str())
        })
    }

    /// Bytes of source in it.
    pub fn source_bytes(&self) -> u64 {
        self.coverage.source_bytes
    }

    /// Whether an installer runs a `setup.py`.
    pub fn has_setup(&self) -> bool {
        self.kind == DistributionKind::Sdist && self.files.iter().any(|file| file.inner == "setup.py")
    }

    /// Whether nothing in the package runs the file at this path: a test, an example, documentation.
    pub fn is_test(&self, path: &str) -> bool {
        reach::is_test(reach::inner_path(self.kind, path))
    }

    /// Starts with no files.
    pub fn new(named: Option<Named<'a>>, kind: DistributionKind, filename: &'a str, rules: &'a OperatorRules) -> Self {
        let perhaps = matches!(named, Some(Named::Perhaps(_)));
        let package = named.map(|(Named::Published(package) | Named::Perhaps(package))| Cow::Borrowed(package));
        Self {
            package,
            perhaps,
            files: Vec::new(),
            binaries: Vec::new(),
            manifests: Manifests::default(),
            oddities: Vec::new(),
            disguised: Vec::new(),
            pickled: Vec::new(),
            bytecode: Vec::new(),
            bytecode_bytes: 0,
            unnamed: BTreeMap::new(),
            programs: BTreeMap::new(),
            capabilities: BTreeSet::new(),
            kind,
            filename,
            entries: Vec::new(),
            entry: None,
            lookalike: OnceCell::new(),
            coverage: Coverage::default(),
            states: coverage::States::default(),
            skipped: Vec::new(),
            skipped_total: 0,
            local: local::Locals::new(rules),
        }
    }

    /// How a file is read whose text the rules look at: what [`Self::add`] asks for, but for files that tell what they are by
    /// more than their name and first bytes.
    pub fn reading(&self, file: &File<'_>) -> Option<Reading> {
        let inner = reach::inner_path(self.kind, file.path);
        if !file.whole || binary::format(file.bytes, inner).is_some() {
            return None;
        }
        let language = language_of(inner, file.bytes);
        (language.is_some() || parsers::is_text(file.bytes)).then(|| self.reading_as(inner, language))
    }

    fn reading_as(&self, inner: &str, language: Option<Language>) -> Reading {
        let setup = self.kind == DistributionKind::Sdist && inner == "setup.py";
        let perhaps = language.is_none() && disguise::may_be_run(inner);
        Reading { language, setup, quiet: is_declaration(inner), perhaps }
    }

    /// Adds one file; `outcome` tells what the rules say of it.
    pub fn add(&mut self, file: &File<'_>, limits: &Limits, outcome: impl FnOnce(Reading) -> Arc<Outcome>) {
        self.entries.push(FileEntry { path: file.path.to_owned(), size: file.size, sha256: file.sha256 });
        let path = printable(file.path, MAX_PATH);
        let inner = reach::inner_path(self.kind, file.path).to_owned();
        if let Some(format) = binary::format(file.bytes, &inner) {
            return self.add_binary(file, path, &inner, format);
        }
        let hooks = self.manifests.scripts.len();
        self.manifests.read(self.kind, &path, &inner, file.bytes);
        self.add_hooks(hooks, limits);
        let language = language_of(&inner, file.bytes);
        if language.is_some() {
            self.coverage.source_files += 1;
            self.coverage.source_bytes += file.size;
        }
        if !file.whole {
            self.scan_bytes(file, &path, &inner);
            match language {
                Some(_) => self.states.note_source(&path, Some(SkipReason::TooLarge)),
                None => self.states.note(FileState::OverLimit),
            }
            let detail = format!("got {} bytes, the limit for one file is {}", file.size, limits.file_bytes);
            self.skip(path, SkipReason::TooLarge, detail);
            return;
        }
        if let Some((source, found)) = language.is_none().then(|| disguise::hidden_source(&inner, file.bytes)).flatten()
        {
            // Not remembered: the same bytes under another name are read in another way.
            let not_parsed = self.add_program(&path, inner, source, found, limits);
            self.states.note_source(&path, not_parsed);
            self.disguised.push((path, found.name()));
            return;
        }
        if let Some(lines) =
            manifest::pth_program(&inner, file.bytes).filter(|_| self.kind != DistributionKind::NpmTarball)
        {
            // Not remembered either: only some of its lines are a program.
            let not_parsed = self.add_program(&path, inner, &lines, Language::Python, limits);
            self.states.note_source(&path, not_parsed);
            return;
        }
        if language.is_none() {
            self.add_pickle(file, &path, &inner);
            if !parsers::is_text(file.bytes) {
                self.scan_bytes(file, &path, &inner);
                self.states.note(FileState::Hashed);
                return;
            }
        }
        let outcome = outcome(self.reading_as(&inner, language));
        self.note_unread(&path, &outcome);
        match language {
            Some(_) => {
                let not_parsed = self.count_source(&path, outcome.not_parsed.as_ref());
                self.states.note_source(&path, not_parsed);
            }
            None => self.states.note(FileState::TextScanned),
        }
        if outcome.program && self.unnamed.len() < MAX_UNNAMED {
            self.unnamed.insert(inner.clone(), file.path.to_owned());
        }
        if language.is_some() || outcome.says_something() {
            self.files.push(FileRecord::of(path, inner, language, outcome));
        }
    }

    /// Adds a native or compiled file.
    fn add_binary(&mut self, file: &File<'_>, path: String, inner: &str, format: &str) {
        self.scan_bytes(file, &path, inner);
        self.states.note(FileState::Binary);
        let (imports, shape) = match format {
            "pyc" => (self.add_bytecode(file, &path, inner), None),
            _ => binary::look_inside(format, file.bytes),
        };
        self.capabilities.extend(&imports);
        let (size, sha256) = (file.size, file.sha256);
        let file = BinaryFile { path, format: format.into(), size, sha256, imports };
        self.binaries.push(Binary { file, shape });
    }

    /// Notes what a pickle runs when it is loaded, if the file may be one.
    fn add_pickle(&mut self, file: &File<'_>, path: &str, inner: &str) {
        let array = binary::pickle::in_array(file.bytes);
        let named = || {
            let end = inner.rsplit_once('.').map_or("", |(_, end)| end);
            matches!(end, "pkl" | "pickle" | "pt" | "pth" | "joblib" | "model" | "bin" | "dat" | "ckpt")
        };
        let marked = file.bytes.first() == Some(&0x80) || array.is_some() || named();
        if marked && self.pickled.len() < MAX_FINDINGS {
            let names = binary::pickle::names(array.unwrap_or(file.bytes));
            let acting = names.into_iter().find(|name| binary::pickle::acts(name));
            self.pickled.extend(acting.map(|name| (path.to_owned(), name)));
        }
    }

    /// Counts a source file as read in full, or tells why it was not; answers why.
    fn count_source(&mut self, path: &str, not_parsed: Option<&NotParsed>) -> Option<SkipReason> {
        let Some(NotParsed { reason, detail }) = not_parsed else {
            self.coverage.parsed += 1;
            return None;
        };
        self.coverage.token_scanned += u64::from(*reason != SkipReason::TooLarge);
        self.skip(path.to_owned(), *reason, detail.clone());
        Some(*reason)
    }

    /// Reads the programs that the hooks of a manifest carry as text, from the hook with this index on: `node -e "..."`.
    fn add_hooks(&mut self, from: usize, limits: &Limits) {
        for script in self.manifests.scripts.get(from..).unwrap_or_default() {
            let Some((code, language)) = code_in_line(&script.command).filter(|_| script.name != "prepare") else {
                continue;
            };
            let reading = Reading::of(language);
            let mut outcome = Outcome::of(code.as_bytes(), reading, limits.syntax_depth, self.local.rules);
            for hit in &mut outcome.hits {
                hit.line = script.line;
                hit.evidence = printable(&format!("{}: {}", script.name, hit.evidence), MAX_EVIDENCE);
            }
            // It is a program of its own in a file that is none: what it loads stands beside the manifest.
            let inner = format!("{}{}", reach::HOOK, script.name);
            self.files.push(FileRecord::of(script.file.clone(), inner, Some(language), Arc::new(outcome)));
        }
    }

    /// Reads a text as a program, whatever it is called; answers why it was not parsed, if it was not.
    fn add_program(
        &mut self,
        path: &str,
        inner: String,
        source: &[u8],
        language: Language,
        limits: &Limits,
    ) -> Option<SkipReason> {
        let reading = Reading::of(language);
        let outcome = Arc::new(Outcome::of(source, reading, limits.syntax_depth, self.local.rules));
        self.coverage.source_files += 1;
        self.coverage.source_bytes += source.len() as u64;
        self.note_unread(path, &outcome);
        let not_parsed = self.count_source(path, outcome.not_parsed.as_ref());
        self.files.push(FileRecord::of(path.to_owned(), inner, Some(language), outcome));
        not_parsed
    }

    /// Notes what an operator's rules did not read to its end.
    fn note_unread(&mut self, path: &str, outcome: &Outcome) {
        if let Some(unread) = &outcome.local.unread {
            self.skip(path.to_owned(), SkipReason::OverBudget, unread.clone());
        }
    }

    /// Notes that something was not read in full.
    pub fn skip(&mut self, path: String, reason: SkipReason, detail: String) {
        self.skipped_total += 1;
        // One reason that floods must not hide the others.
        let same = self.skipped.iter().filter(|skipped| skipped.reason == reason).count();
        if same < MAX_SKIPPED / 10 {
            self.skipped.push(Skipped { path, reason, detail });
        }
    }

    /// Takes over what the archive's reader tells beside the files. A file that broke off is in its list already.
    pub fn add_walk(&mut self, walk: Walk) {
        self.skipped_total += walk.skipped_total();
        self.skipped.extend(walk.skipped);
        self.oddities.extend(walk.oddities.into_iter().map(oddity::judge));
    }
}
