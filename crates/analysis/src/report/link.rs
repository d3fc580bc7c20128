//! Puts the files of a package together: which function of which file runs when, and what flows from file to file.
//!
//! In: the [`Links`] of every file, and when the module level of each runs. Out: when every function runs that something
//! reaches, and flows whose source and end lie in different files. Names are resolved as Python and Node.js do, within
//! the package; everything is bounded.

use std::cell::LazyCell;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use sigma_core::Reach;

use super::FileRecord;
use super::entry::{Named, file_name};
use super::outcome::Outcome;
use super::reach::{SOURCES, Stems, folder_of, folders_of, resolve};
use crate::facts::{EVENT, Effects, Export, Links, Sink, Symbol, SymbolCall, Taint, callees};
use crate::language::Language;

/// Rounds in which taints travel from file to file: a chain of more files than this is not followed.
const ROUNDS: usize = 4;
/// Stands for the constructors of a file: what any of them is given, instances of any of its classes keep.
const CONSTRUCTORS: u32 = u32::MAX;
/// What is followed into instances. Options of a client hold so much else that everything would flow everywhere.
const KEPT: Taint = Taint::PERSONAL.with(Taint::CREDENTIAL).with(Taint::WATCHED);
/// Functions that are followed in one package.
const MAX_FUNCTIONS: usize = 200_000;

/// Functions of a build backend that a frontend calls.
const BUILD_HOOKS: [&str; 8] = [
    "build_wheel",
    "build_sdist",
    "build_editable",
    "get_requires_for_build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
];

/// A flow from one file into a call of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// The file with the call.
    pub file: usize,
    /// Which of its sinks.
    pub sink: usize,
    /// What the call does.
    pub effects: Effects,
    /// What reaches it, with what its own file knew.
    pub taint: Taint,
}

/// What a symbol leads to.
struct Target {
    /// Index of the symbol.
    symbol: u32,
    /// The file that holds it.
    file: usize,
    /// What that offers under the name.
    export: Export,
}

/// What a symbol leads to, among the targets of its file.
fn target(targets: &[Target], symbol: u32) -> Option<&Target> {
    targets.binary_search_by_key(&symbol, |target| target.symbol).ok().map(|at| &targets[at])
}

/// What one file takes from others.
struct Tied<'l> {
    file: usize,
    /// Its symbols, the file each leads to, and what is offered there.
    symbols: Vec<(usize, usize, Taint)>,
    /// Its calls, the file and function each leads to, and how that is offered.
    calls: Vec<(&'l SymbolCall, usize, u32, Export)>,
}

/// What the functions of a file are given from other files, by function and position.
type Given = HashMap<(u32, u32), Taint>;

/// The files of a package, tied together.
pub(super) struct Linked {
    files: Vec<Arc<Outcome>>,
    /// For every file, what its symbols lead to, in their order, as far as the package holds it.
    targets: Vec<Vec<Target>>,
    /// Which files are of JavaScript: what stands under `require.main === module` runs where a script or `bin` names them.
    scripts: Vec<bool>,
    /// Which files stand in for nothing but modules of the package itself: what they are given was meant for nobody else.
    at_home: Vec<bool>,
    /// For every file, the files that its functions start.
    started: Vec<Vec<(u32, usize)>>,
    /// For every file, its calls of functions of other files, in the order of the functions that make them.
    calls: Vec<Vec<(u32, usize, u32)>>,
}

impl Linked {
    /// Resolves the symbols of every file; `stems` are those of the files.
    pub fn new<'f>(files: &'f [FileRecord], stems: &'f Stems<'f>) -> Self {
        // Who hears an event: the first file that does.
        let heard = LazyCell::new(|| {
            let mut heard: HashMap<&str, usize> = HashMap::new();
            for (index, file) in files.iter().enumerate() {
                for name in file.outcome.links.exports.keys().filter(|name| name.starts_with(EVENT)) {
                    heard.entry(name).or_insert(index);
                }
            }
            heard
        });
        let mut paths = Paths::of(files, stems);
        let targets: Vec<Vec<Target>> = files
            .iter()
            .map(|file| {
                let (folder, links) = (folder_of(&file.inner), &file.outcome.links);
                paths.modules.clear();
                paths.modules.resize_with(links.modules.len(), || None);
                paths.nearby.clear();
                let exported = |(index, symbol): (u32, &'f Symbol)| {
                    let name = symbol.name.as_str();
                    let event = symbol.module.is_none() && name.starts_with(EVENT);
                    let (file, name) = match event.then(|| heard.get(name)).flatten() {
                        Some(file) => (*file, name),
                        None => paths.target(links, symbol, folder)?,
                    };
                    let export = *files.get(file)?.outcome.links.export(name)?;
                    Some(Target { symbol: index, file, export })
                };
                (0..).zip(&links.symbols).filter_map(exported).collect()
            })
            .collect();
        let calls = files.iter().zip(&targets).map(|(file, targets)| {
            let calls = file.outcome.links.calls.iter().filter_map(|call| {
                let target = target(targets, call.symbol)?;
                Some((call.place.function, target.file, target.export.function?))
            });
            let mut calls: Vec<(u32, usize, u32)> = calls.collect();
            calls.sort_unstable();
            calls
        });
        let scripts = files.iter().map(|file| file.language.is_some_and(|language| language != Language::Python));
        let names = LazyCell::new(|| Named::of(stems));
        let started = files.iter().map(|file| {
            let all = file.outcome.links.started.iter();
            all.filter_map(|(name, starter)| Some((*starter, names.find(name, folder_of(&file.inner))?))).collect()
        });
        let own = super::own_modules(files);
        let at_home = files.iter().map(|file| {
            let known = &file.outcome.links.stood_in_for;
            !known.is_empty() && known.iter().all(|module| own.contains(module.as_str()))
        });
        Self {
            at_home: at_home.collect(),
            calls: calls.collect(),
            targets,
            scripts: scripts.collect(),
            started: started.collect(),
            files: files.iter().map(|file| file.outcome.clone()).collect(),
        }
    }

    fn links(&self, file: usize) -> &Links {
        &self.files[file].links
    }

    /// What a symbol leads to, if to something that the package holds.
    fn target(&self, file: usize, symbol: u32) -> Option<&Target> {
        target(self.targets.get(file)?, symbol)
    }

    /// When each function runs that something reaches, by file and function. `modules` says when the files themselves do;
    /// other programs call the functions in `called` by themselves.
    pub fn reach(&self, modules: &[Reach], called: &[(usize, u32)]) -> HashMap<(usize, u32), Reach> {
        let mut reached: HashMap<(usize, u32), Reach> = HashMap::new();
        for reach in [Reach::Install, Reach::Import, Reach::EntryPoint] {
            let mut queue: Vec<(usize, u32)> =
                (0..modules.len()).filter(|file| modules[*file] == reach).map(|file| (file, 0)).collect();
            let main = |file: usize| self.links(file).main.iter().map(move |main| (file, *main));
            if reach != Reach::Import {
                let scripts = queue.clone().into_iter().filter(|(file, _)| self.scripts[*file]);
                queue.extend(scripts.flat_map(|(file, _)| main(file)));
            }
            if reach == Reach::Import {
                queue.extend(called);
            }
            if reach == Reach::Install {
                // Build frontends call these of an in-tree backend (PEP 517, PEP 660).
                for (file, _) in queue.clone() {
                    let hooks = BUILD_HOOKS.iter().filter_map(|name| self.links(file).exports.get(*name));
                    queue.extend(hooks.filter_map(|hook| Some((file, hook.function?))));
                }
            }
            while let Some((file, function)) = queue.pop() {
                if reached.len() >= MAX_FUNCTIONS || reached.contains_key(&(file, function)) {
                    continue;
                }
                reached.insert((file, function), reach);
                let links = self.links(file);
                queue.extend(callees(&links.edges, function).map(|(_, callee)| (file, *callee)));
                let calls = &self.calls[file];
                let first = calls.partition_point(|(caller, ..)| *caller < function);
                let own = calls[first..].iter().take_while(|(caller, ..)| *caller == function);
                queue.extend(own.map(|(_, target, callee)| (*target, *callee)));
                let started = self.started[file].iter().filter(|(starter, _)| *starter == function);
                queue.extend(started.flat_map(|(_, target)| main(*target).chain([(*target, 0)])));
            }
        }
        reached
    }

    /// The flows from file to file that end in a call that matters.
    pub fn flows(&self) -> Vec<Flow> {
        if self.files.iter().all(|file| file.links.sinks.is_empty()) {
            return Vec::new();
        }
        // What each symbol stands for, and what each function is given from other files.
        let mut given: Vec<Given> = self.files.iter().map(|_| Given::new()).collect();
        let mut held: Vec<Vec<Taint>> =
            self.files.iter().map(|file| vec![Taint::NONE; file.links.symbols.len()]).collect();
        let mut tied = self.tied();
        for _ in 0..ROUNDS {
            let mut changed = false;
            for Tied { file, symbols, calls } in &mut tied {
                let file = *file;
                for &(symbol, target, export) in &*symbols {
                    let of_symbol = |index: u32| held[target].get(index as usize).copied().unwrap_or_default();
                    let built = |index: u32| given[target].get(&(CONSTRUCTORS, index)).copied().unwrap_or_default();
                    let taint = export.resolved(|_| Taint::NONE, of_symbol) | export.built_of(built);
                    let taint = taint.concrete() | held[file][symbol];
                    changed |= taint != held[file][symbol];
                    held[file][symbol] = taint;
                }
                for (call, target, callee, export) in &*calls {
                    let (target, callee) = (*target, *callee);
                    for (index, argument) in call.arguments.iter().enumerate().take(8) {
                        let taint = self.resolve(*argument, file, (call.place.function, call.owner), &given, &held);
                        let taint = if self.at_home[file] { taint.without(Taint::TAKEN) } else { taint };
                        // What a constructor is given matters to the methods of what it makes too.
                        let kept = taint.and(KEPT);
                        let (taint, kept) = match (export.builds, export.keeps) {
                            (true, _) => (kept, kept),
                            // Servers hold what visitors say for a while, and work with it.
                            (false, true) => (taint, kept.without(Taint::VISITOR)),
                            (false, false) => (taint, Taint::NONE),
                        };
                        for (callee, taint) in [(callee, taint), (CONSTRUCTORS, kept)] {
                            if taint.is_empty() {
                                continue;
                            }
                            let known = given[target].entry((callee, index as u32 + export.skip)).or_default();
                            changed |= (*known | taint) != *known;
                            *known |= taint;
                        }
                    }
                }
                // What is made of nothing that others give says the same in every round.
                let open = |taint: &Taint| *taint != taint.concrete();
                symbols.retain(|(_, _, taint)| open(taint));
                calls.retain(|(call, ..)| call.arguments.iter().take(8).any(open));
            }
            if !changed {
                break;
            }
        }
        let mut flows = Vec::new();
        for (file, outcome) in self.files.iter().enumerate() {
            for (index, sink) in outcome.links.sinks.iter().enumerate() {
                let taint = self.resolve(sink.taint, file, (sink.place.function, sink.owner), &given, &held);
                let effects = match sink.callee {
                    None => sink.effects,
                    Some(callee) => match self.target(file, callee) {
                        Some(Target { export, .. }) if export.does.any(Effects::EVAL) => export.does,
                        _ => continue,
                    },
                };
                if taint != sink.taint.concrete() || sink.callee.is_some() {
                    flows.push(Flow { file, sink: index, effects, taint });
                }
            }
        }
        flows
    }

    /// The files that take something from others, with what may travel: looked up once, since every round asks.
    fn tied(&self) -> Vec<Tied<'_>> {
        let of = |file: usize| {
            let targets = self.targets[file].iter().filter(|target| !target.export.taint.is_empty());
            let symbols: Vec<(usize, usize, Taint)> =
                targets.map(|target| (target.symbol as usize, target.file, target.export.taint)).collect();
            let calls = self.links(file).calls.iter().filter(|call| !call.arguments.is_empty());
            let calls = calls.filter_map(|call| {
                let Target { file, export, .. } = self.target(file, call.symbol)?;
                Some((call, *file, export.function?, *export))
            });
            let calls: Vec<(&SymbolCall, usize, u32, Export)> = calls.collect();
            (!symbols.is_empty() || !calls.is_empty()).then_some(Tied { file, symbols, calls })
        };
        (0..self.files.len()).filter_map(of).collect()
    }

    /// The call that a flow ends in.
    pub fn sink(&self, flow: &Flow) -> &Sink {
        &self.links(flow.file).sinks[flow.sink]
    }

    /// The functions of other files that a function calls. `0`, the file itself, names everything that it imports by name.
    pub fn callees(&self, file: usize, function: u32) -> Vec<(usize, u32)> {
        let links = self.links(file);
        let own = callees(&links.edges, function).map(|(_, callee)| (file, *callee));
        let calls = links.calls.iter().filter(|call| call.place.function == function).map(|call| call.symbol);
        let named = (0..links.symbols.len() as u32).filter(|_| function == 0);
        let others = calls.chain(named).filter_map(|symbol| {
            let target = self.target(file, symbol)?;
            Some((target.file, target.export.function?))
        });
        own.chain(others).collect()
    }

    fn resolve(
        &self,
        taint: Taint,
        file: usize,
        (function, owner): (u32, u32),
        given: &[Given],
        held: &[Vec<Taint>],
    ) -> Taint {
        // Most are made of nothing that others give.
        if taint == taint.concrete() {
            return taint;
        }
        // What a function around it was given reaches a function inside too. That is followed for what belongs to
        // somebody else, and for what nobody hands to a client as an option: options hold so much that everything would
        // flow everywhere.
        const GRAVE: Taint = Taint::PERSONAL
            .with(Taint::CREDENTIAL)
            .with(Taint::ENV_ALL)
            .with(Taint::WATCHED)
            .with(Taint::FOUND)
            .with(Taint::FILE);
        let of = |function: u32, index: u32| given[file].get(&(function, index)).copied().unwrap_or_default();
        let of_parameter = |index: u32| of(function, index) | of(owner, index).and(GRAVE);
        let symbol = |index: u32| held[file].get(index as usize).copied().unwrap_or_default();
        (taint.resolved(of_parameter, symbol) | taint.built_of(|index| of(CONSTRUCTORS, index))).concrete()
    }
}

/// The files of the package by their paths.
struct Paths<'p> {
    stems: &'p Stems<'p>,
    /// Every folder.
    folders: HashSet<&'p str>,
    /// The parts of every path, up to their first dots.
    parts: HashSet<&'p str>,
    /// What dotted names without their last parts lead to from the root or below [`SOURCES`], which is the same for
    /// every file: how many bytes of the name are the file, and the file.
    absolute: HashMap<&'p str, Option<(usize, usize)>>,
    /// Whether there is anything below [`SOURCES`].
    sources: bool,
    /// Of the file whose symbols are resolved: the modules that it names, and what lies in its folder under the first
    /// parts of dotted names. A file takes many names of few modules.
    modules: Vec<Option<Module>>,
    nearby: HashMap<&'p str, Nearby>,
    /// Room for the path that is looked for.
    path: String,
}

/// What a file calls a module of the package.
struct Module {
    path: String,
    file: Option<usize>,
    /// Whether it is a package of Python.
    package: bool,
}

/// What lies in a folder under a name.
#[derive(Clone, Copy)]
enum Nearby {
    Nothing,
    File(usize),
    Folder,
}

/// Parts of a dotted name that are looked at.
const MAX_PARTS: usize = 12;

impl<'p> Paths<'p> {
    fn of(files: &'p [FileRecord], stems: &'p Stems<'p>) -> Self {
        let paths = || files.iter().map(|file| file.inner.as_str());
        let folders = folders_of(paths());
        let names = folders.iter().copied().chain(paths()).map(file_name);
        let parts = names.map(|name| name.split('.').next().unwrap_or_default()).collect();
        let sources = folders.contains(SOURCES.trim_end_matches('/'));
        let (absolute, modules, nearby) = (HashMap::new(), Vec::new(), HashMap::new());
        Self { stems, folders, parts, absolute, sources, modules, nearby, path: String::new() }
    }

    /// The file that a symbol leads to, and the name in it.
    fn target(&mut self, links: &Links, symbol: &'p Symbol, folder: &str) -> Option<(usize, &'p str)> {
        if let Some(module) = symbol.module {
            let stems = self.stems;
            let Module { path, file, package } = self.modules[module as usize].get_or_insert_with(|| {
                let path = resolve(folder, &links.modules[module as usize]);
                let package = stems.exact(&format!("{path}/__init__.py")).is_some();
                Module { file: stems.find(&path), path, package }
            });
            // `from .utils import helper` and then `helper.go()`: a module of the package may be meant, not a name in it.
            if let Some((module, rest)) = symbol.name.split_once('.').filter(|_| *package)
                && let Some(file) = stems.find(&format!("{path}/{module}"))
            {
                return Some((file, rest));
            }
            if let Some(file) = *file {
                return Some((file, symbol.name.as_str()));
            }
            // `from . import net` binds a module; `from .net import send` of a package's own `__init__`.
            let (module, rest) = symbol.name.split_once('.').unwrap_or((&symbol.name, ""));
            return stems.find(&format!("{path}/{module}")).map(|file| (file, rest));
        }
        // `package.module.name`: the longest prefix that is a file. Sources often lie below `src`.
        let end = memchr::memchr_iter(b'.', symbol.name.as_bytes()).nth(MAX_PARTS - 1).unwrap_or(symbol.name.len());
        let name = &symbol.name[..end];
        // Most names are those of other packages: nothing in this one is called so.
        let first = &name[..memchr::memchr2(b'.', b'/', name.as_bytes()).unwrap_or(name.len())];
        if !first.is_empty() && !self.parts.contains(first) {
            return None;
        }
        let (prefix, _) = name.rsplit_once('.')?;
        let (stems, sources) = (self.stems, self.sources);
        let known = *self.absolute.entry(prefix).or_insert_with(|| at_root(prefix, stems, sources));
        let found = self.beside(name, folder, known.map_or(0, |(end, _)| end)).or(known);
        found.map(|(end, file)| (file, &name[end + 1..]))
    }

    /// The longest prefix that is a file in this folder, if it is longer than so many bytes.
    fn beside(&mut self, name: &'p str, folder: &str, longer: usize) -> Option<(usize, usize)> {
        let first = memchr::memchr(b'.', name.as_bytes())?;
        // From the root, where the folder is.
        if folder.is_empty() {
            return None;
        }
        let nearby = match self.nearby.get(&name[..first]) {
            Some(known) => *known,
            None => {
                let path = format!("{folder}/{}", &name[..first]);
                let here = path.trim_start_matches('/');
                let nearby = match self.folders.contains(here) {
                    true => Nearby::Folder,
                    false => self.stems.find(here).map_or(Nearby::Nothing, Nearby::File),
                };
                self.nearby.insert(&name[..first], nearby);
                nearby
            }
        };
        match nearby {
            Nearby::Folder => self.in_folder(name, folder, longer),
            Nearby::File(file) => (longer < first).then_some((first, file)),
            Nearby::Nothing => None,
        }
    }

    fn in_folder(&mut self, name: &str, folder: &str, longer: usize) -> Option<(usize, usize)> {
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        path.push_str(folder);
        path.extend(name.split('.').flat_map(|part| ["/", part]));
        let start = folder.len() + 1;
        let mut ends = prefixes(name).take_while(|end| *end > longer);
        let found = ends.find_map(|end| Some((end, self.stems.find(path[..start + end].trim_start_matches('/'))?)));
        self.path = path;
        found
    }
}

/// The longest beginning of a dotted name, or all of it, that is a file from the root or, where there are `sources`,
/// below [`SOURCES`].
fn at_root(name: &str, stems: &Stems<'_>, sources: bool) -> Option<(usize, usize)> {
    let path = format!("{SOURCES}{}", name.replace('.', "/"));
    std::iter::once(name.len()).chain(prefixes(name)).find_map(|end| {
        let root = path[SOURCES.len()..SOURCES.len() + end].trim_start_matches('/');
        let below = || if sources { stems.find(&path[..SOURCES.len() + end]) } else { None };
        Some((end, stems.find(root).or_else(below)?))
    })
}

/// Where each prefix of a dotted name ends, the longest first, without the whole.
fn prefixes(name: &str) -> impl Iterator<Item = usize> {
    memchr::memrchr_iter(b'.', name.as_bytes())
}
