//! Names that many people know, and names that look like them.
//!
//! In: an ecosystem and a package's name. Out: the well-known name that it could be taken for, and how. The lists are
//! data (`pypi.txt`, `npm.txt`); a name that stands in one looks like nothing but itself. It tells what a reader's eye or
//! a typing finger would confuse, never whether that is meant.

mod near;
mod repository;

pub(crate) use near::is_slip;
pub(crate) use repository::{Project, project_of};

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};
use sigma_core::Ecosystem;

/// A well-known name that another could be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookalike {
    /// The well-known name.
    pub known: &'static str,
    /// How the other differs from it, in words that follow "differs in".
    pub how: &'static str,
    /// Whether a hasty reader or a slip of a finger would take one for the other.
    pub close: bool,
}

/// True for a name that many people know. It is looked up in the text of the list: most packages that are read are well
/// known, and for these no table has to be made.
pub(crate) fn is_known(ecosystem: Ecosystem, name: &str) -> bool {
    let text = text(ecosystem);
    stands(text, &plain(ecosystem, name), true)
        || scope(name).is_some_and(|scope| stands(text, &format!("@{scope}/"), false))
}

/// True when `word` stands in the list, as a `whole` name or at the beginning of one that is long enough to be confused.
fn stands(text: &str, word: &str, whole: bool) -> bool {
    memchr::memmem::find_iter(text.as_bytes(), word).any(|at| {
        let (before, rest) = text.split_at(at);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let name = rest.split_ascii_whitespace().next().unwrap_or_default();
        let fits = if whole { name.len() == word.len() } else { name.len() >= MIN_LETTERS };
        fits && !line.starts_with('#') && !line.ends_with(|last: char| !last.is_ascii_whitespace())
    })
}

/// The well-known name that `name` looks like. Nothing for a name that is well known itself, or lies in a scope of npm
/// whose owner is.
pub(crate) fn lookalike(ecosystem: Ecosystem, name: &str) -> Option<Lookalike> {
    if is_known(ecosystem, name) || name.len() > MAX_NAME {
        return None;
    }
    let name = plain(ecosystem, name);
    let list = list(ecosystem);
    let told = |how, close| move |known: &&'static str| Lookalike { known, how, close };
    let letters =
        list.like.letters.get(letters(&name).as_str()).map(told("separators or letters that look alike", true));
    letters
        .or_else(|| list.like.words.get(&words(&name)?).map(told("the order of its words", true)))
        .or_else(|| near::slip(list, &name))
        .or_else(|| unscoped(list, &name))
        .or_else(|| affixed(list, &name))
}

/// Bytes of a name that is compared; no well-known one is half as long.
const MAX_NAME: usize = 100;
/// Letters of a well-known name below which a single one makes another word.
const MIN_LETTERS: usize = 5;

/// The names of one ecosystem.
struct List {
    names: HashSet<&'static str>,
    /// Made when a name is none of these.
    like: LazyLock<Like, Box<dyn FnOnce() -> Like + Send>>,
}

/// The names of one ecosystem, by what others may have in common with them.
struct Like {
    /// Names of more than one word, by their letters without separators and with those that look alike made one.
    letters: HashMap<String, &'static str>,
    /// Names of more than one word, by their words in order.
    words: HashMap<Vec<&'static str>, &'static str>,
}

impl List {
    fn of(text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let names: HashSet<&str> = lines.flat_map(str::split_ascii_whitespace).collect();
        let long: Vec<&str> = names.iter().copied().filter(|name| name.len() >= MIN_LETTERS).collect();
        Self { names, like: LazyLock::new(Box::new(|| Like::of(long))) }
    }
}

impl Like {
    fn of(mut names: Vec<&'static str>) -> Self {
        // In order, so that of two names with the same letters always the same one is told.
        names.sort_unstable();
        let mut like = Self { letters: HashMap::new(), words: HashMap::new() };
        for name in names {
            like.letters.entry(letters(name)).or_insert(name);
            if let Some(words) = words(name) {
                like.words.entry(words).or_insert(name);
            }
        }
        like
    }
}

static PYPI: LazyLock<List> = LazyLock::new(|| List::of(text(Ecosystem::Pypi)));
static NPM: LazyLock<List> = LazyLock::new(|| List::of(text(Ecosystem::Npm)));

fn text(ecosystem: Ecosystem) -> &'static str {
    match ecosystem {
        Ecosystem::Pypi => include_str!("pypi.txt"),
        Ecosystem::Npm => include_str!("npm.txt"),
    }
}

fn list(ecosystem: Ecosystem) -> &'static List {
    match ecosystem {
        Ecosystem::Pypi => &PYPI,
        Ecosystem::Npm => &NPM,
    }
}

/// The name as the list spells it: PEP 503 for PyPI, lower case for npm.
fn plain(ecosystem: Ecosystem, name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match ecosystem {
        Ecosystem::Npm => lower,
        Ecosystem::Pypi => lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-"),
    }
}

fn scope(name: &str) -> Option<&str> {
    name.strip_prefix('@')?.split_once('/').map(|(scope, _)| scope)
}

/// The letters of a name without separators, where those that look alike are one.
fn letters(name: &str) -> String {
    let mut letters = String::with_capacity(name.len());
    let mut all = name.chars().peekable();
    while let Some(letter) = all.next() {
        letters.push(match letter {
            '-' | '_' | '.' | '/' | '@' => continue,
            'r' if all.next_if_eq(&'n').is_some() => 'm',
            'v' if all.next_if_eq(&'v').is_some() => 'w',
            '0' => 'o',
            '1' | 'i' => 'l',
            '5' => 's',
            letter => letter,
        });
    }
    letters
}

/// The words of a name in alphabetical order, if it has more than one.
fn words(name: &str) -> Option<Vec<&str>> {
    let mut words: Vec<&str> = name.split(['-', '_', '.', '/', '@']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    (words.len() > 1).then_some(words)
}

/// A scope of npm that was left out, or put before a name that has none.
fn unscoped(list: &List, name: &str) -> Option<Lookalike> {
    if let Some((scope, base)) = name.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        let joined = format!("{scope}-{base}");
        if let Some(known) = list.names.get(joined.as_str()) {
            return Some(Lookalike { known, how: "a scope", close: true });
        }
        // Forks of well-known packages lie in the scopes of those who made them, and say so.
        let known = list.names.get(base).filter(|known| known.len() > MIN_LETTERS)?;
        return Some(Lookalike { known, how: "a scope", close: false });
    }
    let mut hyphens = name.match_indices('-');
    let known = hyphens.find_map(|(at, _)| list.names.get(format!("@{}/{}", &name[..at], &name[at + 1..]).as_str()))?;
    Some(Lookalike { known, how: "a scope", close: true })
}

/// What is put before or behind a name so that it looks like part of the same family.
fn affixed(list: &List, name: &str) -> Option<Lookalike> {
    const BEFORE: [&str; 10] = ["py-", "python-", "python3-", "node-", "js-", "lib-", "py", "python", "node", "the-"];
    const BEHIND: [&str; 18] = [
        "-py",
        "-python",
        "-python3",
        "-js",
        "-node",
        "-lib",
        "-dev",
        "-new",
        "-official",
        ".js",
        "js",
        "py",
        "-2",
        "-3",
        "2",
        "3",
        "lib",
        "s",
    ];
    let shorter = BEFORE.iter().filter_map(|affix| name.strip_prefix(affix));
    let shorter = shorter.chain(BEHIND.iter().filter_map(|affix| name.strip_suffix(affix)));
    let long = |known: &&&'static str| known.len() >= MIN_LETTERS;
    let mut shorter = shorter.filter_map(|base| list.names.get(base).filter(long));
    let longer = BEFORE.iter().map(|affix| format!("{affix}{name}"));
    let longer = longer.chain(BEHIND.iter().map(|affix| format!("{name}{affix}")));
    let known = shorter.next().copied().or_else(|| {
        let mut found = longer.filter_map(|name| list.names.get(name.as_str()).copied());
        found.next().filter(|_| name.len() >= MIN_LETTERS)
    })?;
    Some(Lookalike { known, how: "what stands before or behind it", close: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ecosystem: Ecosystem, name: &str, expect: Option<(&str, bool)>) {
        let found = lookalike(ecosystem, name);
        assert_eq!(found.map(|found| (found.known, found.close)), expect, "{name}: {found:?}");
    }

    #[test]
    fn lists_hold_names_as_their_ecosystems_spell_them() {
        for (ecosystem, list) in [(Ecosystem::Pypi, &PYPI), (Ecosystem::Npm, &NPM)] {
            assert!(list.names.len() > 1000);
            for name in &list.names {
                assert_eq!(*name, plain(ecosystem, name));
                assert_eq!(lookalike(ecosystem, name), None);
                assert!(sigma_core::PackageName::new(ecosystem, name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn names_that_look_alike_on_pypi() {
        let check = |name, expect| check(Ecosystem::Pypi, name, expect);
        check("reqeusts", Some(("requests", true)));
        check("requestss", Some(("requests", true)));
        check("request", Some(("requests", true)));
        check("requ3sts", Some(("requests", true)));
        check("pythondateutil", Some(("python-dateutil", true)));
        check("dateutil-python", Some(("python-dateutil", true)));
        check("telegram-bot", Some(("python-telegram-bot", false)));
        check("python-requests", Some(("requests", false)));
        check("beautifulsoup5", None);
        check("co1orama", Some(("colorama", true)));
        check("Colorarna", Some(("colorama", true)));
        check("flask-something", None);
        check("nurnpy", Some(("numpy", true)));
        check("dash-auth2", None);
        check("toml2", None);
        check("my-own-thing", None);
        check("Requests", None);
    }

    #[test]
    fn names_that_look_alike_on_npm() {
        let check = |name, expect| check(Ecosystem::Npm, name, expect);
        check("expres", Some(("express", true)));
        check("crossenv", Some(("cross-env", true)));
        check("types-node", Some(("@types/node", true)));
        check("@someone/lodash", Some(("lodash", false)));
        check("@bable/core", Some(("@babel/core", true)));
        check("@babel/anything", None);
        check("lodashjs", Some(("lodash", false)));
        check("node-lodash", Some(("lodash", false)));
        check("discord.jss", Some(("discord.js", true)));
        check("ms2", None);
        check("qs-x", None);
    }

    #[test]
    fn a_name_may_be_anything() {
        for name in ["", "@", "@/", "-", "@a/", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", &"a-".repeat(500)] {
            lookalike(Ecosystem::Npm, name);
            lookalike(Ecosystem::Pypi, name);
        }
    }
}
