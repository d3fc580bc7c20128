//! Cells: small packages that hold one value of every dimension.
//!
//! In: a language's pieces, and how it puts them together. Out: thefts, and programs that fetch more.

use std::collections::BTreeSet;

use sigma_core::{DistributionKind, SecurityLevel};

use crate::pairs;
use crate::pieces::{Piece, put, put_each, section};
use crate::python::PYTHON;

/// What kind of distribution a package is, and its files.
pub type Package = (DistributionKind, Vec<(String, String)>);

/// What one language brings.
pub struct Language {
    /// Its pieces.
    pub text: &'static str,
    /// How modules are loaded.
    pub styles: &'static [&'static str],
    /// Code that makes `payload` of an expression and goes on.
    pub payload: fn(&str, &str) -> String,
    /// The package: the piece that says when the code runs, the style, and what it is made of.
    pub packed: fn(&Piece, &str, &Made<'_>) -> Package,
}

/// A small package and the level that it should reach.
pub struct Cell {
    /// Values by dimension.
    pub values: Vec<(&'static str, String)>,
    /// The level that it should reach at least.
    pub expect: SecurityLevel,
    /// What it is.
    pub kind: DistributionKind,
    /// Its files.
    pub files: Vec<(String, String)>,
}

/// What a package is made of.
pub struct Made<'a> {
    /// Modules that it loads, as pieces name them.
    pub modules: BTreeSet<&'a str>,
    /// What stands before the code: the address.
    pub before: String,
    /// The code.
    pub body: String,
    /// The code of another file, and a word about the shape that asks for one.
    pub part: Option<(String, &'a str)>,
    /// Whether the code waits for promises.
    pub waits: bool,
}

/// Thefts: something is read, carried through the code, and sent.
pub fn thefts(language: &Language) -> Vec<Cell> {
    let all = |name| section(language.text, name);
    let (places, ways, encodes) = (all("place"), all("way"), all("encode"));
    let taken = taken(&ways, all("special"));
    let (shapes, sends, addresses, whens) = (all("shape"), all("send"), all("address"), all("when"));
    let sizes = [
        taken.len(),
        ways.len(),
        places.len(),
        encodes.len(),
        shapes.len(),
        sends.len(),
        addresses.len(),
        whens.len(),
        language.styles.len(),
    ];
    let cell = |row: Vec<usize>| {
        let what = &taken[row[0]];
        let way = &what.ways[row[1] % what.ways.len()];
        let (place, encode, send) = (&places[row[2]], &encodes[row[3]], &sends[row[5]]);
        let (address, when, style) = (&addresses[row[6]], &whens[row[7]], language.styles[row[8]]);
        let (of_path, path, folder) = what.path.map_or_else(Default::default, |path| path_of(place, path));
        let way = Piece { code: way.code.replace("@P@", &path).replace("@F@", &folder), ..way.clone() };
        let (shape, mut made) = made(language, [&way, encode, send, address], &shapes, row[4]);
        made.modules.extend(words(of_path));
        let (kind, files) = (language.packed)(when, style, &made);
        let values = vec![
            ("what", what.name.clone()),
            ("way", format!("{}{}", if what.path.is_some() { "" } else { "special: " }, way.name)),
            ("place", if what.path.is_some() { place.name } else { "-" }.to_owned()),
            ("encode", encode.name.to_owned()),
            ("shape", shape.name.to_owned()),
            ("send", send.name.to_owned()),
            ("address", address.name.to_owned()),
            ("when", when.name.to_owned()),
            ("style", style.to_owned()),
        ];
        Cell { values, expect: expected(what.grave, when.word), kind, files }
    };
    pairs::rows(&sizes).into_iter().map(cell).collect()
}

/// Programs that fetch more and run it.
pub fn droppers(language: &Language) -> Vec<Cell> {
    let all = |name| section(language.text, name);
    let (gets, decodes, runs) = (all("get"), all("decode"), all("run"));
    let (shapes, addresses, whens) = (all("shape"), all("address"), all("when"));
    let sizes =
        [gets.len(), decodes.len(), runs.len(), shapes.len(), addresses.len(), whens.len(), language.styles.len()];
    let cell = |row: Vec<usize>| {
        let (get, decode, run) = (&gets[row[0]], &decodes[row[1]], &runs[row[2]]);
        let (address, when, style) = (&addresses[row[4]], &whens[row[5]], language.styles[row[6]]);
        let (shape, made) = made(language, [get, decode, run, address], &shapes, row[3]);
        let (kind, files) = (language.packed)(when, style, &made);
        let values = vec![
            ("get", get.name.to_owned()),
            ("decode", decode.name.to_owned()),
            ("shape", shape.name.to_owned()),
            ("run", run.name.to_owned()),
            ("address", address.name.to_owned()),
            ("when", when.name.to_owned()),
            ("style", style.to_owned()),
        ];
        let expect = match (when.word, run.word) {
            ("entry", _) => SecurityLevel::Clear,
            // Data in a format that can hold code is fetched by many.
            (_, "slight") => SecurityLevel::Monitored,
            (_, "caution") => SecurityLevel::Caution,
            _ => SecurityLevel::Blocked,
        };
        Cell { values, expect, kind, files }
    };
    pairs::rows(&sizes).into_iter().map(cell).collect()
}

/// A shape with what takes, changes and uses the data in it, and an address. Where taking and the shape do not go together,
/// the first shape has its place.
fn made<'a>(
    language: &Language,
    [take, change, use_, address]: [&Piece; 4],
    shapes: &'a [Piece],
    shape: usize,
) -> (&'a Piece, Made<'a>) {
    let mut lines = address.code.lines();
    let (url, host) = (lines.next().unwrap(), lines.next().unwrap());
    let before = lines.collect::<Vec<_>>().join("\n");
    // What stands in a template already needs no further one.
    let addressed = |code: &str| {
        let code = code.replace("${@URL@}", &templated(url)).replace("${@HOST@}", &templated(host));
        code.replace("@URL@", url).replace("@HOST@", host)
    };
    let taking = Piece { code: addressed(&take.code), ..take.clone() };
    let using = addressed(&use_.code.replace("@D@", "payload"));
    let using = |data: &str| (language.payload)(&change.code.replace("@E@", data), &using);
    let filled = |shape| Some((shape, shaped(shape, &taking, &using)?));
    let (shape, (body, part)) = filled(&shapes[shape]).or_else(|| filled(&shapes[0])).unwrap();
    let needed = if part.is_some() { "" } else { shape.modules };
    let modules = [take.modules, change.modules, needed, use_.modules, address.modules];
    let modules = modules.into_iter().flat_map(words).collect();
    let part = part.map(|part| (part, shape.word));
    (shape, Made { modules, before, body, part, waits: take.word.contains("async") })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// An expression inside of a template.
fn templated(expression: &str) -> String {
    match expression.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(inner) => inner.to_owned(),
        None => format!("${{{expression}}}"),
    }
}

/// The shape filled in, and what stands in another file; nothing when taking and the shape do not go together.
fn shaped(shape: &Piece, take: &Piece, using: &dyn Fn(&str) -> String) -> Option<(String, Option<String>)> {
    let taking = |name: &str| take.code.replace("@V@", name);
    let mut code = shape.code.clone();
    if take.word == "callback" {
        // What comes after goes into the function that is called back.
        let lines: Vec<&str> = code.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("@TAKE:"))?;
        let name = lines[at].trim_start_matches("@TAKE:").trim_end_matches('@');
        let (before, rest) = (lines[..at].join("\n"), lines[at + 1..].join("\n"));
        let (rest, part) = match rest.split_once("\n@@\n") {
            Some((rest, part)) => (rest, format!("\n@@\n{part}")),
            None => (rest.as_str(), String::new()),
        };
        code = format!("{before}\n{}{part}", put(&taking(name), "@REST@", rest));
    }
    let code = put_each(&code, "TAKE", taking);
    let code = put_each(&code, "SEND", using);
    let waits = take.word.contains("async");
    let code = code
        .replace("@ASYNC@", if waits { "async " } else { "" })
        .replace("@AWAIT@", if waits { "await " } else { "" });
    Some(match code.split_once("@@\n") {
        Some((body, part)) => (body.to_owned(), Some(part.to_owned())),
        None => (code, None),
    })
}

/// What is taken: the word is how grave it is; `ways` read it.
struct Taken {
    name: String,
    grave: &'static str,
    path: Option<&'static str>,
    ways: Vec<Piece>,
}

/// What is taken, files by these ways and the rest by its own.
fn taken(ways: &[Piece], special: Vec<Piece>) -> Vec<Taken> {
    // What lies in a folder where other things lie too is not stolen by taking the folder.
    let ways_of = |word: &str| {
        let fits = |way: &&Piece| word != "alone" || !way.code.contains("@F@");
        ways.iter().filter(fits).cloned().collect()
    };
    // The same files in every language.
    let files = section(PYTHON.text, "file").into_iter().map(|file| {
        let grave = match file.name {
            "bash history" | "zsh history" | "python history" => "slight",
            _ => "grave",
        };
        Taken { name: file.name.to_owned(), grave, path: Some(file.word), ways: ways_of(file.modules) }
    });
    let mut all: Vec<Taken> = files.collect();
    for piece in special {
        let (name, way) = piece.name.split_once(": ").unwrap();
        let (grave, word) = piece.word.split_once(' ').unwrap_or((piece.word, ""));
        let way = Piece { name: way, word, ..piece.clone() };
        match all.iter_mut().find(|taken| taken.name == name) {
            Some(taken) => taken.ways.push(way),
            None => all.push(Taken { name: name.to_owned(), grave, path: None, ways: vec![way] }),
        }
    }
    all
}

/// A path as code: the modules that this takes, the path, and its folder.
fn path_of(place: &Piece, path: &str) -> (&'static str, String, String) {
    if path.starts_with('/') || path.starts_with("./") {
        let path = path.trim_start_matches("./");
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return ("", format!("'{path}'"), format!("'{folder}'"));
    }
    let fill = |path: &str| {
        let parts: Vec<String> = path.split('/').map(|part| format!("'{part}'")).collect();
        let slashed: Vec<String> = parts.iter().map(|part| format!("/ {part}")).collect();
        place.code.replace("@REL@", path).replace("@PARTS@", &parts.join(", ")).replace("@SLASHED@", &slashed.join(" "))
    };
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    (place.modules, fill(path), fill(folder))
}

/// The level that a theft should reach.
fn expected(grave: &str, when: &str) -> SecurityLevel {
    match (grave, when.split(' ').next().unwrap_or(when)) {
        // Who starts a program may want it to tell its own service what it reads.
        (_, "entry") => SecurityLevel::Clear,
        ("grave", _) => SecurityLevel::Blocked,
        ("project", "load") => SecurityLevel::Clear,
        ("project", _) => SecurityLevel::Caution,
        (_, "install") => SecurityLevel::Blocked,
        _ => SecurityLevel::Caution,
    }
}
