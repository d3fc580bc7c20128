//! Waivers: findings that an operator has looked at and accepts, for now.
//!
//! In: a waiver file, and what the council said of a package. Out: the level that is left for the local decision, and how
//! every waiver fared. A waiver never touches a certificate, a report or a public level. It holds for one rule in one
//! file with one content, until its date; a changed file, an expired date or a finding that is gone end it, visibly.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sigma_analysis::FINDINGS_PER_RULE;
use sigma_core::{PackageId, Reason, Report, Ruling, SecurityLevel, Sha256, Timestamp, printable};
use toml::Spanned;

/// Bytes of a waiver file: 1 MiB.
const MAX_FILE: usize = 1 << 20;
/// Waivers of one file.
const MAX_WAIVERS: usize = 2_000;
/// Days that a waiver may last: whoever still wants it after a year looks again.
const MAX_DAYS: i32 = 366;

/// One accepted finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule, or the code of a reason.
    pub rule: String,
    /// `ecosystem:name` or `ecosystem:name@version`; nothing for any package.
    pub package: Option<String>,
    /// The path as findings name it; the distribution's file name for what concerns the package as a whole.
    pub path: String,
    /// SHA-256 of that file.
    pub sha256: Sha256,
    /// Who answers for it.
    pub owner: String,
    /// Why it is acceptable.
    pub reason: String,
    /// The last day on which it holds (UTC).
    pub expires: Date,
    /// Whether it also accepts what asks for BLOCKED.
    pub allow_blocked: bool,
    /// Where it stands: `file:line`.
    pub at: String,
}

impl Waiver {
    fn is_for(&self, package: &PackageId) -> bool {
        self.package.as_deref().is_none_or(|wanted| {
            let whole = package.to_string();
            wanted == whole || whole.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('@'))
        })
    }
}

/// How a waiver fared; where it concerns several packages, what stands further down is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaiverState {
    /// Nothing that it speaks of was found.
    Unmatched,
    /// The rule hits in that file, but the file is another one now.
    ContentChanged {
        /// The digest now; nothing where two files share the path.
        got: Option<Sha256>,
    },
    /// It holds.
    Applied,
    /// Its day is over.
    Expired,
    /// What it speaks of asks for BLOCKED, which needs `allow-blocked = true`.
    NeedsAllowBlocked,
    /// The report holds only the strongest hits of this rule, so that nobody knows where else it hits.
    TooMany,
}

impl fmt::Display for WaiverState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmatched => f.write_str("matches nothing here; remove it if that stays so"),
            Self::Applied => f.write_str("waived"),
            Self::Expired => f.write_str("expired, not applied; look again and renew or remove it"),
            Self::ContentChanged { got: Some(got) } => {
                write!(f, "not applied: the file changed, its sha256 is now {got}; look again")
            }
            Self::ContentChanged { got: None } => f.write_str("not applied: no single file has this path"),
            Self::NeedsAllowBlocked => {
                f.write_str("not applied: it asks for BLOCKED, which needs allow-blocked = true")
            }
            Self::TooMany => {
                write!(f, "not applied: the rule hits {FINDINGS_PER_RULE} times or more, not all are known")
            }
        }
    }
}

/// A waiver and how it fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: Waiver,
    /// How it fared.
    pub state: WaiverState,
    /// The packages it concerned.
    pub packages: Vec<String>,
}

impl fmt::Display for WaiverUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waiver { rule, path, owner, reason, expires, at, .. } = &self.waiver;
        let packages =
            if self.packages.is_empty() { String::new() } else { format!(" of {}", self.packages.join(", ")) };
        match self.state {
            WaiverState::Applied => {
                write!(f, "{rule} in {path}{packages}: waived by {owner} until {expires}: {reason}")
            }
            _ => write!(f, "{rule} in {path}{packages}: {} ({at}, {owner}, until {expires})", self.state),
        }
    }
}

/// What is wrong with a waiver file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct WaiverProblems(pub Vec<String>);

/// The waivers of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waivers {
    list: Vec<Waiver>,
}

/// What waivers leave of the levels that the local decision looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waived {
    /// The level that is left, where a waiver was applied.
    pub levels: HashMap<PackageId, SecurityLevel>,
    /// Every waiver, in the order of the file.
    pub uses: Vec<WaiverUse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    waiver: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    rule: Spanned<String>,
    package: Option<Spanned<String>>,
    path: Spanned<String>,
    sha256: Spanned<String>,
    owner: Spanned<String>,
    reason: Spanned<String>,
    expires: Spanned<toml::Value>,
    #[serde(default)]
    allow_blocked: bool,
}

impl Waivers {
    /// Reads a waiver file.
    ///
    /// # Errors
    /// Every problem, each with file, line and column.
    pub fn read(file: &str, text: &str, now: Timestamp) -> Result<Self, WaiverProblems> {
        let at = |offset: usize| {
            let before = text.get(..offset).unwrap_or(text);
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("{file}:{}:{column}", before.matches('\n').count() + 1)
        };
        if text.len() > MAX_FILE {
            return Err(WaiverProblems(vec![format!("{file}: {} bytes, the limit is {MAX_FILE}", text.len())]));
        }
        let document: Document = toml::from_str(text).map_err(|error| {
            let place = at(error.span().map_or(0, |span| span.start));
            WaiverProblems(vec![format!("{place}: {}", error.message().trim())])
        })?;
        if document.waiver.len() > MAX_WAIVERS {
            let got = document.waiver.len();
            return Err(WaiverProblems(vec![format!("{file}: {got} waivers, the limit is {MAX_WAIVERS}")]));
        }
        let (mut list, mut problems) = (Vec::new(), Vec::new());
        for entry in document.waiver {
            let line = at(entry.span().start);
            let entry = entry.into_inner();
            let mut wrong = |field: usize, what: String| problems.push(format!("{}: {what}", at(field)));
            for (name, field) in
                [("rule", &entry.rule), ("path", &entry.path), ("owner", &entry.owner), ("reason", &entry.reason)]
            {
                if field.get_ref().trim().is_empty() {
                    wrong(field.span().start, format!("{name} is empty; a waiver names what, where, who and why"));
                }
            }
            if let Some(package) = &entry.package
                && !is_package(package.get_ref())
            {
                let got = printable(package.get_ref(), 100);
                wrong(package.span().start, format!("package: got {got:?}, expected pypi:name or npm:name@version"));
            }
            let sha256 = entry.sha256.get_ref().parse::<Sha256>();
            if sha256.is_err() {
                wrong(entry.sha256.span().start, "sha256: expected 64 hexadecimal digits; sigma scan prints it".into());
            }
            let expires = date(entry.expires.get_ref());
            match expires {
                None => wrong(entry.expires.span().start, "expires: expected a date such as 2027-01-31".into()),
                Some(day) if today(now).until(day).map_or(true, |span| span.get_days() > MAX_DAYS) => {
                    wrong(entry.expires.span().start, format!("expires: at most {MAX_DAYS} days ahead, got {day}"));
                }
                Some(_) => {}
            }
            if let (Ok(sha256), Some(expires)) = (sha256, expires) {
                list.push(Waiver {
                    rule: entry.rule.into_inner(),
                    package: entry.package.map(Spanned::into_inner),
                    path: entry.path.into_inner(),
                    sha256,
                    owner: printable(entry.owner.get_ref(), 200),
                    reason: printable(entry.reason.get_ref(), 400),
                    expires,
                    allow_blocked: entry.allow_blocked,
                    at: line,
                });
            }
        }
        if problems.is_empty() { Ok(Self { list }) } else { Err(WaiverProblems(problems)) }
    }

    /// True without any waiver.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Starts judging: one package after the other, then [`Judge::finish`].
    pub fn judge(&self, now: Timestamp) -> Judge<'_> {
        Judge { waivers: self, today: today(now), states: BTreeMap::new(), levels: HashMap::new() }
    }
}

/// Applies waivers to one package after the other.
pub struct Judge<'w> {
    waivers: &'w Waivers,
    today: Date,
    states: BTreeMap<usize, (WaiverState, Vec<String>)>,
    levels: HashMap<PackageId, SecurityLevel>,
}

impl Judge<'_> {
    /// Judges one package, and answers the level that is left. Without an applied waiver that is the ruling's.
    pub fn package(&mut self, report: &Report, ruling: &Ruling) -> SecurityLevel {
        let mut left = SecurityLevel::Clear;
        let mut applied = false;
        for reason in ruling.ballots.iter().flat_map(|ballot| &ballot.reasons) {
            if reason.level == SecurityLevel::Clear {
                continue;
            }
            if self.reason(report, reason) {
                applied = true;
            } else {
                left = left.max(reason.level);
            }
        }
        let left = if applied { left.min(ruling.level) } else { ruling.level };
        if applied {
            self.levels.insert(report.package.clone(), left);
        }
        left
    }

    /// True when a waiver covers this reason.
    fn reason(&mut self, report: &Report, reason: &Reason) -> bool {
        let mut covered = false;
        for (index, waiver) in self.waivers.list.iter().enumerate() {
            if waiver.rule != reason.code || !waiver.is_for(&report.package) {
                continue;
            }
            let Some(digest) = digest(report, reason, &waiver.path) else { continue };
            let state = if self.today > waiver.expires {
                WaiverState::Expired
            } else if digest != Some(waiver.sha256) {
                WaiverState::ContentChanged { got: digest }
            } else if reason.level == SecurityLevel::Blocked && !waiver.allow_blocked {
                WaiverState::NeedsAllowBlocked
            } else if has_hidden(report, reason) {
                WaiverState::TooMany
            } else {
                covered = true;
                WaiverState::Applied
            };
            let known = self.states.entry(index).or_insert((WaiverState::Unmatched, Vec::new()));
            known.0 = known.0.clone().max(state);
            let package = report.package.to_string();
            if !known.1.contains(&package) {
                known.1.push(package);
            }
        }
        covered
    }

    /// Ends: every waiver and how it fared.
    pub fn finish(mut self) -> Waived {
        let uses = self.waivers.list.iter().enumerate().map(|(index, waiver)| {
            let (state, packages) = self.states.remove(&index).unwrap_or((WaiverState::Unmatched, Vec::new()));
            WaiverUse { waiver: waiver.clone(), state, packages }
        });
        let uses = uses.collect();
        Waived { levels: self.levels, uses }
    }
}

/// Nothing when the reason is not about `path`; otherwise the digest of that file, where there is one.
fn digest(report: &Report, reason: &Reason, path: &str) -> Option<Option<Sha256>> {
    let Some(location) = reason.location.as_deref().filter(|location| !location.is_empty()) else {
        // About the package as a whole, or about the archive itself: the bytes are those of the distribution.
        let named = |filename: &str| reason.distribution.as_deref().is_none_or(|name| name == filename);
        let distribution = report.distributions.iter().find(|one| named(&one.filename) && one.filename == path)?;
        return Some(Some(distribution.digests.sha256));
    };
    let line = |rest: &str| rest.strip_prefix(':').is_some_and(|line| line.bytes().all(|byte| byte.is_ascii_digit()));
    if !location.strip_prefix(path).is_some_and(|rest| rest.is_empty() || line(rest)) {
        return None;
    }
    let distribution = report.distributions.iter().find(|one| reason.distribution.as_ref() == Some(&one.filename))?;
    Some(distribution.coverage.cited.get(path).copied())
}

/// True when the report may hold fewer findings of the rule than there are.
fn has_hidden(report: &Report, reason: &Reason) -> bool {
    let distribution = report.distributions.iter().find(|one| reason.distribution.as_ref() == Some(&one.filename));
    distribution.is_some_and(|one| {
        one.findings.iter().filter(|finding| finding.rule == reason.code).count() >= FINDINGS_PER_RULE
    })
}

fn is_package(text: &str) -> bool {
    let name = text.split_once(':').map_or("", |(_, name)| name);
    let versioned = name.get(1..).is_some_and(|rest| rest.contains('@'));
    let whole = if versioned { text.to_owned() } else { format!("{text}@1") };
    whole.parse::<PackageId>().is_ok_and(|id| id.to_string() == whole)
}

/// RFC 3339, full-date, as TOML's own date or as a text.
fn date(value: &toml::Value) -> Option<Date> {
    let text = match value {
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::String(text) => text.clone(),
        _ => return None,
    };
    let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| plain)
}

fn today(now: Timestamp) -> Date {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
