//! What a rule answers: hits, which the report turns into findings.

use sigma_core::{Confidence, Reach, Severity, printable};

use super::Rule;
use crate::facts::{Call, Facts, Place, When};

/// Characters of evidence that are kept.
const EVIDENCE: usize = 160;

/// Hits of one rule that are kept of one file or distribution; more are only counted.
pub(crate) const KEPT: usize = 40;

/// One hit of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Index of the rule in the table.
    pub rule: usize,
    /// How much it matters when something has to call the code first.
    pub severity: Severity,
    /// How much it matters in code that runs when the package is imported.
    pub loaded: Severity,
    /// How much it matters in code that runs when the package is installed.
    pub installed: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// When the code runs, judged from the file.
    pub when: When,
    /// The function that it stands in; 0 is the module itself.
    pub function: u32,
    /// When it runs, where the rule knows better than the file's place in the package.
    pub reach: Option<Reach>,
    /// The file, where it is not the one being read.
    pub file: Option<String>,
    /// Line counted from 1; 0 for the whole file.
    pub line: u32,
    /// What was seen.
    pub evidence: String,
    /// A sentence, where the rule's own does not fit.
    pub message: Option<String>,
    /// Modules of others that it is about: nothing where all of them are the package's own.
    pub about: Vec<String>,
}

impl Hit {
    /// How much it matters in code that runs at `reach`.
    pub fn severity_at(&self, reach: Reach) -> Severity {
        match reach {
            Reach::Install => self.installed,
            Reach::Import => self.loaded,
            // Who starts a program asks for what it does.
            Reach::EntryPoint | Reach::Call | Reach::Test => self.severity,
        }
    }

    /// A hit of a rule with this evidence.
    pub fn of(rule: &Rule, index: usize, evidence: &str) -> Self {
        Self {
            rule: index,
            severity: rule.severity,
            loaded: rule.severity,
            installed: rule.severity,
            confidence: Confidence::High,
            when: When::Load,
            function: 0,
            reach: None,
            file: None,
            line: 0,
            evidence: printable(evidence, EVIDENCE),
            message: None,
            about: Vec::new(),
        }
    }

    /// Only where one of these modules is not the package's own.
    pub fn about(mut self, modules: impl Iterator<Item = String>) -> Self {
        self.about = modules.collect();
        self
    }

    /// With another severity than the rule's, whenever it runs.
    pub fn severity(mut self, severity: Severity) -> Self {
        (self.severity, self.loaded, self.installed) = (severity, severity, severity);
        self
    }

    /// With another severity in code that runs when the package is imported or installed.
    pub fn loaded(mut self, severity: Severity) -> Self {
        (self.loaded, self.installed) = (severity, severity);
        self
    }

    /// With another severity in code that runs when the package is installed.
    pub fn installed(mut self, severity: Severity) -> Self {
        self.installed = severity;
        self
    }

    /// With another confidence.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = self.confidence.min(confidence);
        self
    }

    /// How much it matters, at most and at least.
    fn weight(&self) -> (Severity, Severity, Severity, Confidence) {
        (self.installed, self.loaded, self.severity, self.confidence)
    }

    /// In another file.
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// At this line.
    pub fn line(mut self, line: u32) -> Self {
        self.line = line;
        self
    }

    /// Running at this time.
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = Some(reach);
        self
    }

    /// With another sentence than the rule's.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// Collects the hits of one rule in one file or distribution.
pub(crate) struct Hits<'a> {
    rule: &'a Rule,
    index: usize,
    source: &'a str,
    /// Offset and line reached so far: places mostly come in order.
    cursor: (usize, u32),
    hits: Vec<Hit>,
    total: u64,
}

impl<'a> Hits<'a> {
    /// Starts collecting; `source` is the text that places point into.
    pub fn of(rule: &'a Rule, index: usize, source: &'a str) -> Self {
        Self { rule, index, source, cursor: (0, 1), hits: Vec::new(), total: 0 }
    }

    /// A hit with this evidence.
    pub fn hit(&self, evidence: &str) -> Hit {
        Hit::of(self.rule, self.index, evidence)
    }

    /// A hit at a place of the file, with its source as evidence.
    pub fn at(&mut self, facts: &Facts<'_>, place: Place) -> Hit {
        let mut hit = self.hit(excerpt(facts.text(place)));
        hit.line = self.line_of(place.start as usize);
        hit.when = facts.when(place);
        hit.function = place.function;
        hit.confidence = facts.confidence;
        hit
    }

    /// A hit at an offset of the text.
    pub fn at_offset(&mut self, offset: usize, evidence: &str) -> Hit {
        let mut hit = self.hit(evidence);
        hit.line = self.line_of(offset);
        hit
    }

    /// The line of an offset, counted from 1.
    fn line_of(&mut self, offset: usize) -> u32 {
        let offset = offset.min(self.source.len());
        if offset < self.cursor.0 {
            self.cursor = (0, 1);
        }
        let passed = &self.source.as_bytes()[self.cursor.0..offset];
        self.cursor = (offset, self.cursor.1 + memchr::memchr_iter(b'\n', passed).count() as u32);
        self.cursor.1
    }

    /// True when no further hit would be kept: then places need not be described.
    pub fn is_full(&self) -> bool {
        self.hits.len() >= KEPT
    }

    /// Keeps a hit, or counts it. When there is no more room it takes the place of the weakest, if that is weaker: what
    /// matters cannot be pushed out by what does not.
    pub fn push(&mut self, hit: Hit) {
        self.total += 1;
        if !self.is_full() {
            self.hits.push(hit);
            return;
        }
        let weakest = self.hits.iter_mut().min_by_key(|hit| hit.weight());
        if let Some(weakest) = weakest.filter(|weakest| weakest.weight() < hit.weight()) {
            *weakest = hit;
        }
    }

    /// Keeps a hit for every call.
    pub fn push_calls<'c>(&mut self, facts: &Facts<'_>, calls: impl Iterator<Item = &'c Call<'c>>) {
        for call in calls {
            self.push_call(facts, call);
        }
    }

    /// Keeps a hit for a call.
    pub fn push_call(&mut self, facts: &Facts<'_>, call: &Call<'_>) {
        if self.is_full() {
            self.total += 1;
        } else {
            let hit = self.at(facts, call.place);
            self.push(hit);
        }
    }

    /// The hits kept, and how many there were.
    pub fn finish(self) -> (Vec<Hit>, u64) {
        (self.hits, self.total)
    }
}

/// The beginning of a piece of source, enough for evidence.
fn excerpt(text: &str) -> &str {
    let mut end = text.len().min(EVIDENCE * 4);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
