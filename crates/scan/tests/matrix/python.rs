//! Packages for Python out of the pieces of `python.txt`.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use sigma_core::{DistributionKind, SecurityLevel};

use crate::Cell;
use crate::pairs;
use crate::pieces::{Piece, put, put_each, section};

const TEXT: &str = include_str!("python.txt");

/// How modules are imported.
const STYLES: [&str; 8] = ["import", "as", "from", "from as", "__import__", "importlib", "in pieces", "tried"];

/// What is taken: the word is how grave it is; `ways` read it.
pub struct Taken {
    pub name: String,
    pub grave: &'static str,
    pub path: Option<&'static str>,
    pub ways: Vec<Piece>,
}

/// What is taken, files by these ways and the rest by its own.
pub fn taken(ways: &[Piece], special: Vec<Piece>) -> Vec<Taken> {
    // What lies in a folder where other things lie too is not stolen by taking the folder.
    let ways_of = |word: &str| {
        let fits = |way: &&Piece| word != "alone" || !way.code.contains("@F@");
        ways.iter().filter(fits).cloned().collect()
    };
    let files = section(TEXT, "file").into_iter().map(|file| {
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

/// A path as code: `(imports, path, its folder)`.
fn path_of(place: &Piece, path: &str) -> (String, String, String) {
    if path.starts_with(['/', '.']) && !path[1..2].chars().all(char::is_alphabetic) || path.starts_with('/') {
        let path = path.trim_start_matches("./");
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return (String::new(), format!("'{path}'"), format!("'{folder}'"));
    }
    let fill = |path: &str| {
        let parts: Vec<String> = path.split('/').map(|part| format!("'{part}'")).collect();
        let slashed: Vec<String> = parts.iter().map(|part| format!("/ {part}")).collect();
        place.code.replace("@REL@", path).replace("@PARTS@", &parts.join(", ")).replace("@SLASHED@", &slashed.join(" "))
    };
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    (place.modules.to_owned(), fill(path), fill(folder))
}

/// Names that stand directly behind a module's in the code.
pub fn members(code: &str, module: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{module}.")) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_.'/".contains(c)) {
            continue;
        }
        let rest = &code[at + module.len() + 1..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if end > 0 {
            found.insert(rest[..end].to_owned());
        }
    }
    found
}

/// The code with `by` in the place of `name` where it stands alone.
pub fn renamed(code: &str, name: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let after = rest[at + name.len()..].chars().next();
        let alone = !before.is_some_and(|c| c.is_alphanumeric() || "_.'/-".contains(c))
            && !after.is_some_and(|c| c.is_alphanumeric() || "_':".contains(c));
        out.push_str(&rest[..at]);
        out.push_str(if alone { by } else { name });
        rest = &rest[at + name.len()..];
    }
    out + rest
}

/// Imports in a style, and the code that goes with them.
fn imported(style: &str, modules: &BTreeSet<&str>, code: &str) -> (String, String) {
    let (mut imports, mut code) = (String::new(), code.to_owned());
    // Longer names first: `urllib.request` before `urllib`.
    let mut modules: Vec<&str> = modules.iter().copied().collect();
    modules.sort_by_key(|module| std::cmp::Reverse(module.len()));
    for (index, module) in modules.into_iter().enumerate() {
        let short = format!("m{index}");
        match style {
            "import" => imports.push_str(&format!("import {module}\n")),
            "tried" => imports.push_str(&format!("try:\n    import {module}\nexcept ImportError:\n    pass\n")),
            "from" | "from as" => {
                // What is used as a whole is imported as a whole.
                if renamed(&renamed(&code, &format!("{module}."), ""), module, "\u{1}").contains('\u{1}') {
                    imports.push_str(&format!("import {module}\n"));
                }
                for (number, name) in members(&code, module).into_iter().enumerate() {
                    let taken = imports.contains(&format!("import {name}\n")) || code.contains(&format!("def {name}("));
                    let plain = style == "from" && !taken && name != "open";
                    let local = if plain { name.clone() } else { format!("n{index}_{number}") };
                    code = renamed(&code, &format!("{module}.{name}"), &local);
                    let alias = if plain { String::new() } else { format!(" as {local}") };
                    imports.push_str(&format!("from {module} import {name}{alias}\n"));
                }
            }
            _ => {
                let (first, second) = module.split_at(module.len() / 2);
                let line = match style {
                    "as" => format!("import {module} as {short}\n"),
                    "__import__" => format!("{short} = __import__('{module}', fromlist=['a'])\n"),
                    "importlib" => format!("import importlib\n{short} = importlib.import_module('{module}')\n"),
                    _ => format!("{short} = __import__('{first}' + '{second}', fromlist=['a'])\n"),
                };
                code = renamed(&code, module, &short);
                imports.push_str(&line);
            }
        }
    }
    (imports, code)
}

/// What a package is made of.
struct Made<'a> {
    modules: BTreeSet<&'a str>,
    /// What stands before the code: the address.
    before: String,
    /// The code, and that of another file.
    body: String,
    part: Option<String>,
}

fn packed(when: &Piece, style: &str, made: &Made<'_>) -> (DistributionKind, Vec<(String, String)>) {
    let (kind, _) = when.word.split_once(" | ").unwrap_or((when.modules, when.word));
    let wheel = when.modules == "wheel" || kind == "wheel";
    let one = |body: &str| {
        let (imports, code) = imported(style, &made.modules, &format!("{}\n@@@\n{body}", made.before));
        let (before, body) = code.split_once("@@@\n").unwrap();
        (format!("{imports}{before}").trim_end().to_owned() + "\n", body.to_owned())
    };
    let (mut imports, body) = one(&made.body);
    if made.part.is_some() {
        let deeper = when.code.contains("demo/tools/base.py");
        let from = if deeper { ".." } else { "." };
        imports.push_str(&if wheel { format!("from {from} import part\n") } else { "import part\n".to_owned() });
    }
    let code = format!("{imports}{body}");
    let mut files: Vec<(String, String)> = Vec::new();
    for line in when.code.lines() {
        let path = [".py", ".pth", ".toml", ".txt"].iter().any(|end| line.ends_with(end)) && !line.contains(' ');
        match files.last_mut() {
            Some((_, text)) if !path => *text += &format!("{line}\n"),
            _ => files.push((line.to_owned(), String::new())),
        }
    }
    for (_, text) in &mut files {
        *text = put(text, "@CODE@", &code);
        *text = put(text, "@IMPORTS@", &imports);
        *text = put(text, "@BODY@", &body);
        *text = put(text, "@QUOTED@", &format!("{code:?}"));
        *text = put(text, "@BASE64@", &format!("'{}'", BASE64.encode(code.as_bytes())));
    }
    if let Some(part) = &made.part {
        let (imports, body) = one(part);
        files.push((if wheel { "demo/part.py" } else { "part.py" }.to_owned(), format!("{imports}{body}")));
    }
    if wheel && !files.iter().any(|(path, _)| path == "demo/__init__.py") {
        files.push(("demo/__init__.py".to_owned(), String::new()));
    }
    (if wheel { DistributionKind::Wheel } else { DistributionKind::Sdist }, files)
}

/// The level that a theft should reach.
pub fn expected(grave: &str, when: &str) -> SecurityLevel {
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

/// The address and the host as code, and what stands before them.
pub fn address(piece: &Piece) -> (String, String, String) {
    let mut lines = piece.code.lines();
    let (url, host) = (lines.next().unwrap().to_owned(), lines.next().unwrap().to_owned());
    (url, host, lines.collect::<Vec<_>>().join("\n"))
}

fn modules<'a>(pieces: &[&'a str]) -> BTreeSet<&'a str> {
    pieces.iter().flat_map(|modules| modules.split(' ')).filter(|module| !matches!(*module, "" | "part")).collect()
}

/// The shape filled in, and what stands in another file.
fn shaped(shape: &Piece, take: impl Fn(&str) -> String, send: impl Fn(&str) -> String) -> (String, Option<String>) {
    let code = put_each(&shape.code, "TAKE", take);
    let code = put_each(&code, "SEND", send);
    match code.split_once("@@\n") {
        Some((body, part)) => (body.to_owned(), Some(part.to_owned())),
        None => (code, None),
    }
}

/// Thefts.
pub fn theft() -> Vec<Cell> {
    let all = |name| section(TEXT, name);
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
        STYLES.len(),
    ];
    pairs::rows(&sizes)
        .into_iter()
        .map(|row| {
            let what = &taken[row[0]];
            let way = &what.ways[row[1] % what.ways.len()];
            let (place, encode, shape) = (&places[row[2]], &encodes[row[3]], &shapes[row[4]]);
            let (send, address_piece, when, style) =
                (&sends[row[5]], &addresses[row[6]], &whens[row[7]], STYLES[row[8]]);
            let (of_path, path, folder) = what.path.map_or_else(Default::default, |path| path_of(place, path));
            let (url, host, before) = address(address_piece);
            let take = |name: &str| way.code.replace("@P@", &path).replace("@F@", &folder).replace("@V@", name);
            let told = |data: &str| {
                let made = format!("payload = {}\n", encode.code.replace("@E@", data));
                made + &send.code.replace("@D@", "payload").replace("@URL@", &url).replace("@HOST@", &host)
            };
            let (body, part) = shaped(shape, take, told);
            let modules =
                modules(&[way.modules, &of_path, encode.modules, shape.modules, send.modules, address_piece.modules]);
            let (kind, files) = packed(when, style, &Made { modules, before, body, part });
            Cell {
                values: vec![
                    ("what", what.name.clone()),
                    ("way", format!("{}{}", if what.path.is_some() { "" } else { "special: " }, way.name)),
                    ("place", if what.path.is_some() { place.name } else { "-" }.to_owned()),
                    ("encode", encode.name.to_owned()),
                    ("shape", shape.name.to_owned()),
                    ("send", send.name.to_owned()),
                    ("address", address_piece.name.to_owned()),
                    ("when", when.name.to_owned()),
                    ("style", style.to_owned()),
                ],
                expect: expected(what.grave, when.word),
                kind,
                files,
            }
        })
        .collect()
}

/// Programs that fetch more.
pub fn droppers() -> Vec<Cell> {
    let all = |name| section(TEXT, name);
    let (gets, decodes, runs) = (all("get"), all("decode"), all("run"));
    let (shapes, addresses, whens) = (all("shape"), all("address"), all("when"));
    let sizes = [gets.len(), decodes.len(), runs.len(), shapes.len(), addresses.len(), whens.len(), STYLES.len()];
    pairs::rows(&sizes)
        .into_iter()
        .map(|row| {
            let (get, decode, run, shape) = (&gets[row[0]], &decodes[row[1]], &runs[row[2]], &shapes[row[3]]);
            let (address_piece, when, style) = (&addresses[row[4]], &whens[row[5]], STYLES[row[6]]);
            let (url, host, before) = address(address_piece);
            let take = |name: &str| get.code.replace("@URL@", &url).replace("@HOST@", &host).replace("@V@", name);
            let told = |data: &str| {
                let made = format!("payload = {}\n", decode.code.replace("@E@", data));
                made + &run.code.replace("@D@", "payload")
            };
            let (body, part) = shaped(shape, take, told);
            let modules = modules(&[get.modules, decode.modules, shape.modules, run.modules, address_piece.modules]);
            let (kind, files) = packed(when, style, &Made { modules, before, body, part });
            Cell {
                values: vec![
                    ("get", get.name.to_owned()),
                    ("decode", decode.name.to_owned()),
                    ("shape", shape.name.to_owned()),
                    ("run", run.name.to_owned()),
                    ("address", address_piece.name.to_owned()),
                    ("when", when.name.to_owned()),
                    ("style", style.to_owned()),
                ],
                expect: match (when.word, run.word) {
                    ("entry", _) => SecurityLevel::Clear,
                    // Data in a format that can hold code is fetched by many.
                    (_, "slight") => SecurityLevel::Monitored,
                    (_, "caution") => SecurityLevel::Caution,
                    _ => SecurityLevel::Blocked,
                },
                kind,
                files,
            }
        })
        .collect()
}
