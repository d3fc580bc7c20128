//! `package-lock.json` and `npm-shrinkwrap.json`, lockfile versions 2 and 3 (npm 7 and later): exact packages, and the
//! edges between them as Node resolves them through nested `node_modules` folders.

use std::collections::HashMap;

use sigma_core::{
    DependencyKind, Ecosystem, ExpectedDigest, Location, LockedPackage, Manifest, PackageId, PackageName, Refusal,
    printable,
};
use url::Url;

use super::ManifestError;
use super::draft::{Draft, Rejection};
use super::json::{self, Json, Member};
use super::lock_graph::{Edge, LockGraph, Need};
use super::npm_declaration::{self as npm, foreign};
use super::npmrc::OtherRegistries;
use super::package_json::{declarations, declare, optional_names};
use super::public_index::same_origin;
use super::source_file::{Reading, SourceFile};

/// Longest path of an entry in bytes, and its deepest nesting: both bound the work for one edge.
const LONGEST_PATH: usize = 4096;
const DEEPEST_PATH: usize = 64;

/// Reads the lockfile and the `.npmrc` beside it.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let json = json::parse(source)?;
    let Some(packages) = json.member("packages").filter(|_| supported(&json)) else {
        let message =
            "got a lockfile that is not version 2 or 3; run `npm install --package-lock-only` with npm 7 or later";
        return Err(source.syntax(1, "package-lock", message));
    };
    let options = reading.options;
    let mut draft = Draft::new(Ecosystem::Npm, options.max_entries);
    let others = OtherRegistries::beside(source, reading, &mut draft)?;
    let mut graph = LockGraph::default();
    let mut lock = Lock { source, entries: HashMap::new(), bundlers: HashMap::new() };
    let members = packages.value.members();
    for member in members {
        if member.value.member("bundleDependencies").is_some() {
            lock.bundlers.insert(&member.name, ());
        }
    }
    for member in members {
        let at = source.at(member.offset);
        let Some(path) = EntryPath::parse(&member.name) else {
            let rejection = Rejection::unparsable("this is not a path below the project such as `node_modules/name`");
            draft.refuse(&member.name, rejection, at);
            continue;
        };
        let index = match path.name {
            None => None,
            Some(local) => match lock.package(local, member, &options.npm_registries) {
                Ok(package) if others.concerns(package.id.name().as_str()) => {
                    draft.refuse_as(&package.id.to_string(), Refusal::OtherIndex, at);
                    None
                }
                Ok(package) => {
                    if !draft.admit(&at) {
                        break;
                    }
                    if package.pinned.is_empty() {
                        draft.problem(format!("{} has no integrity value: nothing pins its bytes", package.id), at);
                    }
                    graph.packages.push(package);
                    Some(graph.packages.len() - 1)
                }
                Err(Left::Bundled) => {
                    draft.problem(format!("`{}` comes inside its parent's tarball", member.name), at);
                    None
                }
                Err(Left::Refused(rejection)) => {
                    draft.refuse(&format!("{local} ({})", resolved(&member.value)), rejection, at);
                    None
                }
            },
        };
        lock.entries.insert(&member.name, Entry { index, json: &member.value });
    }
    for member in members {
        let Some(&Entry { index, json: entry }) = lock.entries.get(&*member.name) else { continue };
        let Some(path) = EntryPath::parse(&member.name) else { continue };
        if draft.is_full() {
            break;
        }
        if path.name.is_none() {
            // A folder of the project: the root, or a workspace.
            for (dependency, kind) in declarations(entry, true, source, &mut draft) {
                if kind == DependencyKind::Dev && !options.include_dev {
                    // Tied in all the same: what only development needs must be known as such.
                    lock.tie_dev(&member.name, dependency, &mut graph)?;
                } else if declare(dependency, kind, source, &mut draft, npm::registry).is_some() {
                    lock.tie(None, &member.name, dependency, kind, &mut graph, &mut draft)?;
                }
            }
        } else {
            lock.edges_of(index, member, &mut graph, &mut draft)?;
        }
    }
    others.refuse(&mut draft);
    let graph = graph.finish(options.include_dev, &mut draft, source.line(1));
    draft.finish(std::mem::take(&mut reading.files), graph)
}

fn supported(json: &Json<'_>) -> bool {
    matches!(json.get("lockfileVersion"), Some(Json::Number(version)) if matches!(version.as_u64(), Some(2 | 3)))
}

fn resolved<'a>(entry: &'a Json<'_>) -> &'a str {
    entry.get("resolved").and_then(Json::text).unwrap_or("no resolved URL")
}

/// The key of an entry.
struct EntryPath<'a> {
    /// The folder's name below the last `node_modules`; `None` for folders of the project itself.
    name: Option<&'a str>,
}

impl<'a> EntryPath<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        if path.is_empty() {
            return Some(Self { name: None });
        }
        let bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains('\\');
        if path.len() > LONGEST_PATH || path.split('/').any(bad) || path.split('/').count() > DEEPEST_PATH * 3 {
            return None;
        }
        let name = match path.rfind("node_modules/") {
            Some(at) if at == 0 || path[..at].ends_with('/') => Some(&path[at + "node_modules/".len()..]),
            _ => None,
        };
        let fits = name.is_none_or(|name| name.split('/').count() == 1 + usize::from(name.starts_with('@')));
        (fits && path.matches("node_modules").count() <= DEEPEST_PATH).then_some(Self { name })
    }
}

#[derive(Clone, Copy)]
struct Entry<'j> {
    /// Index of the locked package; `None` for what is not one.
    index: Option<usize>,
    json: &'j Json<'j>,
}

/// Why an entry is not a locked package.
enum Left {
    Bundled,
    Refused(Rejection),
}

impl From<Rejection> for Left {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

struct Lock<'j> {
    source: &'j SourceFile,
    entries: HashMap<&'j str, Entry<'j>>,
    /// Entries that bundle dependencies in their own tarball.
    bundlers: HashMap<&'j str, ()>,
}

impl<'j> Lock<'j> {
    fn package(&self, local: &str, member: &Member<'_>, registries: &[Url]) -> Result<LockedPackage, Left> {
        let entry = &member.value;
        let refused = |reason| Rejection::new(Ecosystem::Npm, reason);
        if entry.get("link").is_some_and(Json::is_true) {
            return Err(refused(Refusal::Path).into());
        }
        let resolved = entry.get("resolved").and_then(Json::text);
        let integrity = entry.get("integrity").and_then(Json::text);
        let in_bundle = entry.get("inBundle").is_some_and(Json::is_true) && resolved.is_none() && integrity.is_none();
        if in_bundle && ancestors(&member.name).any(|folder| self.bundlers.contains_key(folder)) {
            return Err(Left::Bundled);
        }
        let name = entry.get("name").and_then(Json::text).unwrap_or(local);
        let name = PackageName::new(Ecosystem::Npm, name).map_err(|error| Rejection::unparsable(error.to_string()))?;
        let version = entry.get("version").and_then(Json::text).unwrap_or_default();
        if let Some(resolved) = resolved {
            check_resolved(resolved, &name, version, registries)?;
        }
        // A version that is itself a URL or path: what lockfiles say for packages that are not from the registry.
        if let Some(reason) = foreign(version).filter(|reason| *reason != Refusal::Unparsable) {
            return Err(refused(reason).into());
        }
        deno_semver::Version::parse_standard(version)
            .map_err(|_| Rejection::unparsable(format!("got version `{}`", printable(version, 80))))?;
        let id = PackageId::new(name, version).map_err(|error| Rejection::unparsable(error.to_string()))?;
        let pinned = ExpectedDigest::parse_sri(integrity.unwrap_or_default())
            .map_err(|error| Rejection::unparsable(format!("integrity: {error}")))?;
        let texts = |name: &str| {
            let items = entry.get(name).map(Json::items).unwrap_or_default();
            items.iter().filter_map(Json::text).take(32).map(|text| printable(text, 40)).collect()
        };
        Ok(LockedPackage {
            id,
            pinned,
            dev: entry.get("dev").is_some_and(Json::is_true),
            optional: false,
            marker: None,
            os: texts("os"),
            cpu: texts("cpu"),
            libc: texts("libc"),
            at: self.source.at(member.offset),
        })
    }

    /// The edges of a package that is not a folder of the project.
    fn edges_of(
        &self,
        from: Option<usize>,
        member: &Member<'_>,
        graph: &mut LockGraph,
        draft: &mut Draft,
    ) -> Result<(), ManifestError> {
        let entry = &member.value;
        let optional_peers = entry.get("peerDependenciesMeta").map(optional_names).unwrap_or_default();
        let optional: HashMap<&str, ()> = entry
            .get("optionalDependencies")
            .map(Json::members)
            .unwrap_or_default()
            .iter()
            .map(|m| (&*m.name, ()))
            .collect();
        for (section, kind) in [
            ("dependencies", DependencyKind::Runtime),
            ("optionalDependencies", DependencyKind::Optional),
            ("peerDependencies", DependencyKind::Peer),
        ] {
            for dependency in entry.get(section).map(Json::members).unwrap_or_default() {
                let kind = match kind {
                    DependencyKind::Runtime if optional.contains_key(&*dependency.name) => continue,
                    DependencyKind::Peer if optional_peers.contains_key(&*dependency.name) => DependencyKind::Optional,
                    kind => kind,
                };
                self.tie(from, &member.name, dependency, kind, graph, draft)?;
            }
        }
        Ok(())
    }

    /// Adds the edge for one dependency of the entry at `folder`.
    fn tie(
        &self,
        from: Option<usize>,
        folder: &str,
        dependency: &Member<'_>,
        kind: DependencyKind,
        graph: &mut LockGraph,
        draft: &mut Draft,
    ) -> Result<(), ManifestError> {
        let at = self.source.at(dependency.offset);
        let spec = dependency.value.text().unwrap_or_default();
        match self.find(folder, &dependency.name) {
            Some(Entry { index: Some(to), .. }) => {
                let need = match kind {
                    DependencyKind::Runtime | DependencyKind::Peer => Need::Required,
                    DependencyKind::Optional => Need::Optional,
                    DependencyKind::Dev => Need::Dev,
                };
                graph.connect(Edge { from, to, spec: printable(spec, 300), marker: None, need }, &at)
            }
            // Refused or bundled, which is said where it stands.
            Some(Entry { index: None, .. }) => Ok(()),
            None if kind == DependencyKind::Optional => Ok(()),
            None => {
                let name = printable(&dependency.name, 80);
                let message = format!("the lockfile holds no `{name}` for this dependency; run `npm install` again");
                draft.problem(message, at);
                Ok(())
            }
        }
    }

    fn tie_dev(&self, folder: &str, dependency: &Member<'_>, graph: &mut LockGraph) -> Result<(), ManifestError> {
        let Some(Entry { index: Some(to), .. }) = self.find(folder, &dependency.name) else { return Ok(()) };
        let at: Location = self.source.at(dependency.offset);
        let spec = printable(dependency.value.text().unwrap_or_default(), 300);
        graph.connect(Edge { from: None, to, spec, marker: None, need: Need::Dev }, &at)
    }

    /// Node's resolution: `node_modules/<name>` in the folder itself, then in each folder above it.
    fn find(&self, folder: &str, name: &str) -> Option<Entry<'j>> {
        if name.len() > LONGEST_PATH {
            return None;
        }
        let mut path = String::with_capacity(folder.len() + name.len() + 14);
        std::iter::once(folder).chain(ancestors(folder)).find_map(|folder| {
            if folder == "node_modules" || folder.ends_with("/node_modules") {
                return None;
            }
            path.clear();
            path.push_str(folder);
            path.push_str(if folder.is_empty() { "node_modules/" } else { "/node_modules/" });
            path.push_str(name);
            self.entries.get(path.as_str()).copied()
        })
    }
}

/// The folders above a path, nearest first, the project's root (an empty path) last.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let first = (!path.is_empty()).then_some(path);
    std::iter::successors(first, |path| path.rfind('/').map(|at| &path[..at])).skip(1).chain(first.map(|_| ""))
}

/// A `resolved` URL must be the public registry's own URL for that very version: with any other one npm would install
/// something that the name does not say.
fn check_resolved(resolved: &str, name: &PackageName, version: &str, registries: &[Url]) -> Result<(), Rejection> {
    let refused = |reason| Err(Rejection::new(Ecosystem::Npm, reason));
    let url = match Url::parse(resolved) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => return refused(foreign(resolved).unwrap_or(Refusal::Path)),
    };
    // npm itself records redirects of the registry as https; nothing else is taken.
    let Some(registry) = registries.iter().find(|registry| same_origin(&url, registry)) else {
        return refused(if url.path().contains("/-/") { Refusal::OtherIndex } else { Refusal::Url });
    };
    let path = url.path().strip_prefix(registry.path().trim_end_matches('/')).unwrap_or_default();
    let path = path.trim_start_matches('/').replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    let base = name.as_str().rsplit('/').next().unwrap_or_default();
    match path == format!("{name}/-/{base}-{version}.tgz") {
        true => Ok(()),
        false => Err(Rejection {
            reason: Refusal::Url,
            advice: format!(
                "the resolved URL is not that of `{name}` {}; delete the entry and run `npm install` again",
                printable(version, 80)
            ),
        }),
    }
}
