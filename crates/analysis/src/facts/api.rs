//! The table of well-known APIs: in, a dotted name; out, what calling it does.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};

use super::bits::Effects;

/// What calling the API at this dotted name does; nothing for one that is not in the table.
pub(crate) fn effects(path: &str) -> Effects {
    let bytes = path.as_bytes();
    // Most names are those of other modules, of which the table knows nothing.
    if is_known(path) {
        if let Some(&effects) = TABLE.exact.get(path) {
            return effects;
        }
        let mut rest = path;
        while let Some(end) = memchr::memrchr(b'.', rest.as_bytes()) {
            rest = &rest[..end];
            if let Some(&effects) = TABLE.families.get(rest) {
                // What an answer says of itself: `requests.Session().get().headers.get`.
                let of_answer = effects == Effects::NET
                    && path.matches("()").count() > 1
                    && [").headers.", ").raw.", ").cookies.", ").data.", ").text."]
                        .iter()
                        .any(|part| path.contains(part));
                return if of_answer { Effects::NONE } else { effects };
            }
        }
        if let Some(effects) = of_unbound(path) {
            return effects;
        }
    }
    // A name that only one API has, wherever it is looked for.
    match bytes.strip_suffix(b"urlretrieve") {
        Some([] | [.., b'.']) => Effects::NET | Effects::DOWNLOAD | Effects::WRITE,
        _ => Effects::NONE,
    }
}

/// True for a dotted name whose first part the table knows.
pub(super) fn is_known(path: &str) -> bool {
    let root = memchr::memchr(b'.', path.as_bytes()).map_or(path, |end| &path[..end]);
    TABLE.roots.contains(root)
}

/// What a method does that is taken from its class, to be handed an instance later: `requests.Session.request`. Asked of
/// names only whose first part the table knows.
fn of_unbound(path: &str) -> Option<Effects> {
    let (class, method) = path.rsplit_once('.')?;
    let name = class.rsplit('.').next().unwrap_or(class);
    let is_class = name.len() < class.len() && name.starts_with(|c: char| c.is_ascii_uppercase());
    if !is_class || name.ends_with(')') {
        return None;
    }
    let instance = format!("{class}()");
    let family = || TABLE.families.get(&*instance);
    TABLE.exact.get(&*format!("{instance}.{method}")).or_else(family).copied()
}

/// The names directly inside `module` that the table knows, each with its whole dotted name.
pub(crate) fn known_names(module: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.exact.keys().filter_map(move |path| {
        let name = path.strip_prefix(module)?.strip_prefix('.')?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((*path, name))
    })
}

/// The table, split into whole names and names that stand for all below them.
struct Table {
    exact: HashMap<&'static str, Effects>,
    families: HashMap<&'static str, Effects>,
    /// The first part of every name.
    roots: HashSet<&'static str>,
}

/// Read once; `every_line_of_the_table_is_understood` keeps the file right.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { exact: HashMap::new(), families: HashMap::new(), roots: HashSet::new() };
    for (path, effects) in lines().filter_map(|line| line.ok()) {
        table.roots.extend(path.split('.').next());
        match path.strip_suffix(".*") {
            Some(family) => table.families.insert(family, effects),
            None => table.exact.insert(path, effects),
        };
    }
    table
});

/// The lines of the table, each with its effects, or the word that is not understood.
fn lines() -> impl Iterator<Item = Result<(&'static str, Effects), &'static str>> {
    let text = include_str!("apis.txt").lines().map(str::trim);
    text.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut words = line.split_ascii_whitespace();
        let path = words.next().unwrap_or_default();
        let mut effects = Effects::NONE;
        for word in words {
            effects |= Effects::of_word(word).ok_or(word)?;
        }
        if effects.is_empty() { Err(path) } else { Ok((path, effects)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(lines().find_map(Result::err), None);
        let mut paths: Vec<_> = lines().filter_map(Result::ok).map(|(path, _)| path).collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all, "a name stands twice in the table");
        assert!(all > 300);
    }

    #[test]
    fn names_are_found_exactly_or_by_family() {
        assert_eq!(effects("subprocess.run"), Effects::SPAWN);
        assert_eq!(effects("requests.Session().post"), Effects::NET);
        assert_eq!(effects("requests.Session"), Effects::NONE);
        assert_eq!(effects("requests.Session().get().headers.get"), Effects::NONE);
        assert_eq!(effects("requests.exceptions.Timeout"), Effects::NONE);
        assert_eq!(effects("requests.Session.request"), Effects::NET);
        assert_eq!(effects("requests.Session.__doc__.strip"), Effects::NONE);
    }
}
