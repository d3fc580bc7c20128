//! `package.json`: the dependencies of a Node project as ranges.

use std::collections::HashMap;

use sigma_core::{Declared, DependencyKind, Ecosystem, Manifest, ManifestSource, Refusal, printable};

use super::ManifestError;
use super::draft::{Draft, Rejection};
use super::json::{self, Json, Member};
use super::npm_declaration::{self as npm, NpmDependency};
use super::npmrc::OtherRegistries;
use super::source_file::{Reading, SourceFile};

/// Reads a `package.json`, and the `.npmrc` beside it.
pub(super) fn read(source: &SourceFile, reading: &mut Reading<'_>) -> Result<Manifest, ManifestError> {
    let json = json::parse(source)?;
    let mut draft = Draft::new(Ecosystem::Npm, reading.options.max_entries);
    for (member, kind) in declarations(&json, reading.options.include_dev, source, &mut draft) {
        declare(member, kind, source, &mut draft, npm::eligible);
    }
    if let Some(workspaces) = json.member("workspaces") {
        let patterns = workspaces.value.get("packages").unwrap_or(&workspaces.value);
        let advice = "read each workspace on its own: its package.json declares its dependencies".to_owned();
        for pattern in patterns.items() {
            let text = format!("workspaces: {}", pattern.text().unwrap_or("?"));
            let rejection = Rejection { reason: Refusal::Path, advice: advice.clone() };
            draft.refuse(&text, rejection, source.at(workspaces.offset));
        }
    }
    let overrides = json.get("overrides").filter(|overrides| !overrides.members().is_empty());
    let overrides = overrides.and_then(|overrides| serde_json::to_string(overrides).ok());
    OtherRegistries::beside(source, reading, &mut draft)?.refuse(&mut draft);
    let source = ManifestSource::Ranges { constraints: Vec::new(), overrides, pre_releases: false };
    draft.finish(std::mem::take(&mut reading.files), source)
}

/// The dependencies that a `package.json` (or a lockfile's entry for a folder of the project) declares, in file order
/// within each section. As in npm, `optionalDependencies` override `dependencies`, and both override
/// `peerDependencies`; optional peers are not installed for the project itself.
pub(super) fn declarations<'j>(
    json: &'j Json<'_>,
    include_dev: bool,
    source: &SourceFile,
    draft: &mut Draft,
) -> Vec<(&'j Member<'j>, DependencyKind)> {
    let sections = [
        ("dependencies", DependencyKind::Runtime),
        ("optionalDependencies", DependencyKind::Optional),
        ("peerDependencies", DependencyKind::Peer),
        ("devDependencies", DependencyKind::Dev),
    ];
    let mut found: Vec<(&Member<'_>, DependencyKind)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (section, kind) in sections {
        let Some(section) = json.member(section) else { continue };
        let at = source.at(section.offset);
        if !matches!(section.value, Json::Object(_)) {
            let message = format!("got {}, expected an object of names and ranges", section.value.kind());
            draft.refuse(&section.name, Rejection::unparsable(message), at);
            continue;
        }
        let members = section.value.members();
        if kind == DependencyKind::Dev && !include_dev {
            if !members.is_empty() {
                draft.problem(format!("{} development dependencies were not read", members.len()), at);
            }
            continue;
        }
        let optional_peers: HashMap<&str, bool> = match kind {
            DependencyKind::Peer => json.get("peerDependenciesMeta").map(optional_names).unwrap_or_default(),
            _ => HashMap::new(),
        };
        for member in members {
            let at = source.at(member.offset);
            let before = places.get(&*member.name).copied();
            match (kind, before) {
                (DependencyKind::Peer, Some(_)) => continue,
                (DependencyKind::Peer, None) if optional_peers.contains_key(&*member.name) => {
                    draft.problem(format!("the optional peer `{}` is not installed", printable(&member.name, 80)), at);
                    continue;
                }
                (DependencyKind::Optional, Some(before)) => found[before] = (member, kind),
                (DependencyKind::Dev, Some(before)) if found[before].1 == DependencyKind::Peer => {
                    found[before] = (member, kind);
                }
                (DependencyKind::Dev, Some(before)) => {
                    if found[before].0.value != member.value {
                        let name = printable(&member.name, 80);
                        draft.problem(format!("`{name}` is a dependency too, which counts here"), at);
                    }
                }
                _ => {
                    places.insert(&member.name, found.len());
                    found.push((member, kind));
                }
            }
        }
    }
    found
}

/// The names of `peerDependenciesMeta` that are optional.
pub(super) fn optional_names<'j>(meta: &'j Json<'_>) -> HashMap<&'j str, bool> {
    let optional = |member: &&'j Member<'_>| member.value.get("optional").is_some_and(Json::is_true);
    meta.members().iter().filter(optional).map(|member| (&*member.name, true)).collect()
}

/// Turns one member of a section into a declaration or a refusal; gives back what was read.
pub(super) fn declare(
    member: &Member<'_>,
    kind: DependencyKind,
    source: &SourceFile,
    draft: &mut Draft,
    read: fn(&str, &str) -> Result<NpmDependency, Rejection>,
) -> Option<NpmDependency> {
    let at = source.at(member.offset);
    let Some(spec) = member.value.text() else {
        let message = format!("got {}, expected a range such as `^1.2.3`", member.value.kind());
        draft.refuse(&member.name, Rejection::unparsable(message), at);
        return None;
    };
    match read(&member.name, spec) {
        Ok(dependency) => {
            draft.declare(Declared {
                name: dependency.name.clone(),
                spec: dependency.spec.clone(),
                kind,
                extras: Vec::new(),
                marker: None,
                alias: dependency.alias.clone(),
                pinned: Vec::new(),
                at,
            });
            Some(dependency)
        }
        Err(rejection) => {
            draft.refuse(&format!("{}@{spec}", member.name), rejection, at);
            None
        }
    }
}
