//! One model of what a source file does, shared by every language.
//!
//! In: what a front end (`parsers/`) sees while it walks a syntax tree, once. Out: [`Facts`]: calls of known APIs with
//! their resolved names and folded arguments, what flows into them, environment reads, imports, mentions. Rules read
//! facts, never a tree, so a rule holds for every language. Facts never run anything and are bounded in size.

mod address;
mod again;
mod api;
mod bits;
mod builder;
mod builtin;
mod call;
mod chat;
mod command;
mod expression;
mod fold;
mod handed;
mod laid_out;
mod layer;
mod learned;
mod links;
mod matter;
mod mention;
mod method;
mod name;
mod names;
mod personal;
mod piped;
mod printed;
pub(crate) mod routine;
mod scope;
mod shell;
mod started;
mod told;
mod value;
mod waits;
mod words;
mod yields;

pub(crate) use address::is_public_ip;
pub(crate) use api::known_names;
pub(crate) use bits::{Deeds, Effects, Signs, Taint, Waits};
pub(crate) use builder::{Argument, Builder};
pub(crate) use command::{Command, deeds_of_text, deeds_with_places, program_of, split};
pub(crate) use expression::filled;
pub(crate) use fold::text_of;
pub(crate) use laid_out::{starts_script, words_of};
pub(crate) use layer::{Layer, code_in_line};
pub(crate) use links::{EVENT, Export, Links, Sink, Symbol, SymbolCall, callees};
pub(crate) use mention::{find as find_mention, find_all as find_all_mentions};
pub(crate) use name::is_secret as is_secret_name;
pub(crate) use personal::{makes_key, names_host};
pub(crate) use told::{address_of, takes_in};
pub(crate) use value::{Constant, Items, LIST_ITEMS, Text, Value};

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use sigma_core::Confidence;

use crate::language::Language;

/// Where in the file something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The function around it; 0 is the module itself.
    pub function: u32,
}

/// When a piece of a file runs, judged from the file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum When {
    /// When something calls it.
    Call,
    /// When the file is loaded.
    Load,
}

/// A call of an API that does something.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// Dotted name: `subprocess.run`.
    pub path: Text<'a>,
    /// What it does.
    pub effects: Effects,
    /// Arguments in order; the first 16.
    pub arguments: Vec<Argument<'a>>,
    /// What its arguments and its receiver are made of.
    pub taint: Taint,
    /// Whether nobody looks at what it yields.
    pub discarded: bool,
    /// What the code waits for before it makes this call.
    pub waits: Waits,
    /// Where.
    pub place: Place,
}

impl<'a> Call<'a> {
    /// The positional argument at `index`.
    pub fn positional(&self, index: usize) -> Option<&Value<'a>> {
        self.arguments.iter().filter(|argument| argument.name.is_none()).nth(index).map(|argument| &argument.value)
    }

    /// The keyword argument `name`, or the field of that name in an options object.
    pub fn option(&self, name: &str) -> Option<&Value<'a>> {
        let keyword = self.arguments.iter().find(|argument| argument.name.as_deref() == Some(name));
        keyword
            .map(|argument| &argument.value)
            .or_else(|| self.arguments.iter().find_map(|argument| argument.value.field(name)))
    }
}

/// A read of one environment variable.
#[derive(Clone, Debug)]
pub(crate) struct EnvironmentRead {
    /// Its name, where it is constant.
    pub name: Option<String>,
    /// Whether the name speaks of a secret.
    pub secret: bool,
    /// Where.
    pub place: Place,
}

/// A text in code that names something of interest.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    /// What kind of thing.
    pub taint: Taint,
    /// What it is a sign of.
    pub signs: Signs,
    /// What it is, in words.
    pub what: &'static str,
    /// Where.
    pub place: Place,
}

/// A command line that does something of interest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed {
    /// What it does.
    pub what: Deeds,
    /// Where: the call that starts it, or the command itself in a script.
    pub place: Place,
}

/// Classes and what they derive from: where a `setup.py` hooks into installation.
#[derive(Clone, Debug)]
pub(crate) struct Subclass {
    /// Dotted name of the base class.
    pub base: String,
    /// Where the class stands.
    pub place: Place,
}

/// What one source file does.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The source.
    pub source: &'a str,
    /// Its language.
    pub language: Language,
    /// How far it can be trusted: a token scan guesses.
    pub confidence: Confidence,
    /// Modules of others that it imports, by their first name.
    pub imports: BTreeSet<String>,
    /// Modules that may be of the same package, as written: `./lib/x`, `.x`, `package.x`; and the function that imports
    /// them, 0 for what is imported when the file is loaded.
    pub modules: BTreeSet<(Box<str>, u32)>,
    /// Calls of known APIs, in order of their place.
    pub calls: Vec<Call<'a>>,
    /// Reads of environment variables.
    pub environment: Vec<EnvironmentRead>,
    /// Texts of interest.
    pub mentions: Vec<Mention>,
    /// Hosts of the addresses that stand in texts of the code.
    pub addresses: BTreeSet<String>,
    /// What all the texts of interest are signs of.
    pub signs: Signs,
    /// Command lines of interest.
    pub deeds: Vec<Deed>,
    /// Classes derived from classes of other modules.
    pub subclasses: Vec<Subclass>,
    /// Modules whose classes or functions the file's own stand in for.
    pub stood_in_for: BTreeSet<String>,
    /// Long texts that decode to code, and whether that code starts or fetches something.
    pub encoded: Vec<(Place, bool)>,
    /// Texts of the file that are run as code.
    pub layers: Vec<Layer>,
    /// What the names of the module mean, for those texts.
    pub names: Vec<(Rc<str>, Rc<str>)>,
    /// Whether it makes more calls than are kept.
    pub overflow: bool,
    /// Where built-in functions get other names, many at once.
    pub renamed: Option<Place>,
    /// What ties the file to the others of its package.
    pub links: Links,
    /// Which functions run when the file is loaded.
    loaded: Vec<bool>,
}

impl<'a> Facts<'a> {
    /// Adds what a token scan of the same source saw beyond this.
    pub fn with_scan(mut self, scan: Facts<'a>) -> Self {
        let seen: HashSet<(String, u32)> =
            self.calls.iter().map(|call| (call.path.to_string(), call.place.end)).collect();
        let new = |call: &Call<'a>| !seen.contains(&(call.path.to_string(), call.place.end));
        self.calls.extend(scan.calls.into_iter().filter(new));
        self.calls.sort_by_key(|call| call.place);
        self.imports.extend(scan.imports);
        self.modules.extend(scan.modules);
        self.environment.extend(scan.environment);
        self.mentions.extend(scan.mentions);
        self.signs |= scan.signs;
        self.deeds.extend(scan.deeds);
        self.layers.extend(scan.layers);
        self.names.extend(scan.names);
        self
    }

    /// When the piece at `place` runs.
    pub fn when(&self, place: Place) -> When {
        match self.loaded.get(place.function as usize) {
            Some(true) => When::Load,
            _ => When::Call,
        }
    }

    /// The source at `place`.
    pub fn text(&self, place: Place) -> &str {
        self.source.get(place.start as usize..place.end as usize).unwrap_or_default()
    }
}
