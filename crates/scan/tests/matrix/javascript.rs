//! Packages for npm out of the pieces of `javascript.txt`.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use sigma_core::{DistributionKind, SecurityLevel};

use crate::Cell;
use crate::pairs;
use crate::pieces::{Piece, put, put_each, section};
use crate::python::{Taken, address, expected, members, renamed, taken};

const TEXT: &str = include_str!("javascript.txt");

/// How modules are loaded.
const STYLES: [&str; 15] = [
    "require",
    "node:",
    "var",
    "destructured",
    "renamed",
    "inline",
    "pieces",
    "template",
    "getBuiltinModule",
    "mainModule",
    "compiled default",
    "compiled star",
    "import",
    "import all",
    "import named",
];

/// Modules of the runtime itself.
const BUILT_IN: [&str; 22] = [
    "fs",
    "os",
    "path",
    "http",
    "https",
    "http2",
    "net",
    "tls",
    "dgram",
    "dns",
    "child_process",
    "crypto",
    "zlib",
    "util",
    "stream",
    "events",
    "vm",
    "readline",
    "querystring",
    "worker_threads",
    "module",
    "v8",
];

/// Loads of modules in a style, and the code that goes with them.
fn loaded(style: &str, modules: &BTreeSet<(&str, &str)>, code: &str) -> (String, String) {
    let (mut loads, mut code) = (String::new(), code.to_owned());
    if style.starts_with("compiled") {
        loads.push_str("\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (mod) {\n    return (mod && mod.__esModule) ? mod : { \"default\": mod };\n};\nvar __importStar = (this && this.__importStar) || function (mod) {\n    if (mod && mod.__esModule) return mod;\n    var result = {};\n    for (var k in mod) result[k] = mod[k];\n    result[\"default\"] = mod;\n    return result;\n};\nObject.defineProperty(exports, \"__esModule\", { value: true });\n");
    }
    for (index, (local, module)) in modules.iter().enumerate() {
        let built_in = BUILT_IN.contains(&module.split('/').next().unwrap_or(module));
        let bare = renamed(&code, &format!("{local}."), "");
        let alone = renamed(&bare, local, "\u{1}").contains('\u{1}');
        let names = members(&code, local);
        let plain = format!("const {local} = require('{module}');\n");
        let (first, second) = module.split_at(module.len() / 2);
        let load = match style {
            "node:" if built_in => format!("const {local} = require('node:{module}');\n"),
            "var" => format!("var {local} = require(\"{module}\");\n"),
            "destructured" | "renamed" | "import named" if !alone && !names.is_empty() => {
                let mut list = Vec::new();
                for name in &names {
                    let own = if style == "renamed" { format!("r{index}_{name}") } else { name.to_owned() };
                    code = renamed(&code, &format!("{local}.{name}"), &own);
                    list.push(match (style, &own == name) {
                        ("renamed", _) => format!("{name}: {own}"),
                        (_, true) => name.clone(),
                        _ => format!("{name} as {own}"),
                    });
                }
                let list = list.join(", ");
                if style == "import named" {
                    format!("import {{ {list} }} from '{module}';\n")
                } else {
                    format!("const {{ {list} }} = require('{module}');\n")
                }
            }
            "inline" => {
                code = renamed(&code, local, &format!("require('{module}')"));
                String::new()
            }
            "pieces" => format!("const {local} = require('{first}' + '{second}');\n"),
            "template" => format!("const {local} = require(`{module}`);\n"),
            "getBuiltinModule" if built_in => format!("const {local} = process.getBuiltinModule('{module}');\n"),
            "mainModule" => format!("const {local} = process.mainModule.require('{module}');\n"),
            "compiled default" => {
                code = renamed(&code, local, &format!("{local}_1.default"));
                format!("const {local}_1 = __importDefault(require(\"{module}\"));\n")
            }
            "compiled star" => format!("const {local} = __importStar(require(\"{module}\"));\n"),
            "import" | "import named" => format!("import {local} from '{module}';\n"),
            "import all" => format!("import * as {local} from '{module}';\n"),
            _ => plain,
        };
        loads.push_str(&load);
    }
    (loads, code)
}

/// What a package is made of.
struct Made<'a> {
    modules: BTreeSet<(&'a str, &'a str)>,
    before: String,
    body: String,
    part: Option<(String, &'a str)>,
    waits: bool,
}

fn packed(when: &Piece, style: &str, made: &Made<'_>) -> Vec<(String, String)> {
    let style = match when.word.split(' ').nth(1) {
        Some("cjs") if style.starts_with("import") => "require",
        Some("esm") if !style.starts_with("import") => "import",
        _ => style,
    };
    let esm = style.starts_with("import");
    let one = |body: &str, waits: bool, part: bool| {
        let (loads, code) = loaded(style, &made.modules, &format!("{}\n@@@\n{body}", made.before));
        let (before, body) = code.split_once("@@@\n").unwrap();
        let other = match (part, esm) {
            (false, _) => "",
            (true, true) => "import * as part from './part.js';\n",
            (true, false) => "const part = require('./part');\n",
        };
        let body = if waits { put("(async () => {\n  @BODY@\n})();", "@BODY@", body) } else { body.to_owned() };
        (format!("{loads}{other}{before}").trim_end().to_owned() + "\n", body)
    };
    let (imports, body) = one(&made.body, made.waits, made.part.is_some());
    let code = format!("{imports}{body}");
    let mut files: Vec<(String, String)> = Vec::new();
    for line in when.code.lines() {
        let path = [".js", ".ts"].iter().any(|end| line.ends_with(end)) && !line.contains([' ', '(', '@']);
        match files.last_mut() {
            Some((_, text)) if !path => *text += &format!("{line}\n"),
            _ => files.push((line.to_owned(), String::new())),
        }
    }
    let mut folder = String::new();
    for (path, text) in &mut files {
        if text.contains("@CODE@") || text.contains("@BODY@") {
            folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        }
        *text = put_each(
            text,
            "LOAD",
            |path| if esm { format!("import '{path}';") } else { format!("require('{path}');") },
        );
        *text = put_each(text, "FROM", |given| {
            let (name, path) = given.split_once(' ').unwrap();
            if esm {
                format!("import {{ {name} }} from '{path}';")
            } else {
                format!("const {{ {name} }} = require('{path}');")
            }
        });
        *text = put_each(text, "EXPORT", |name| {
            if esm { format!("export {{ {name} }};") } else { format!("exports.{name} = {name};") }
        });
        *text = put_each(text, "REQUIRE", |module| {
            if esm { format!("(await import('{module}')).default") } else { format!("require('{module}')") }
        });
        *text = put(text, "@CODE@", &code);
        *text = put(text, "@IMPORTS@", &imports);
        *text = put(text, "@BODY@", &body);
        *text = put(text, "@QUOTED@", &serde_json::to_string(&code).unwrap());
        *text = put(text, "@BASE64@", &format!("'{}'", BASE64.encode(code.as_bytes())));
    }
    if let Some((part, exports)) = &made.part {
        let (imports, body) = one(part, false, false);
        let name = exports.split(' ').nth(1).unwrap();
        let exported = if esm { format!("export {{ {name} }};\n") } else { format!("exports.{name} = {name};\n") };
        files.push((format!("{folder}part.js"), format!("{imports}{body}{exported}")));
    }
    let mut manifest = serde_json::json!({ "name": "demo", "version": "1.0.0", "main": "index.js" });
    if esm {
        manifest["type"] = "module".into();
    }
    match when.modules {
        "" => {}
        "bin" => manifest["bin"] = "bin/run.js".into(),
        "=exports" => {
            manifest["main"] = serde_json::Value::Null;
            manifest["exports"] =
                serde_json::json!({ ".": { "require": "./dist/index.js", "import": "./dist/index.js" } });
        }
        main if main.ends_with(".js") && !main.contains(' ') => manifest["main"] = main.into(),
        scripts => {
            for script in scripts.split(" & ") {
                let (name, command) = script.split_once(": ").unwrap();
                let quoted = code.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`").replace('$', "\\$");
                manifest["scripts"][name] = command.replace("@JSON@", &format!("\"{quoted}\"")).into();
            }
        }
    }
    if manifest["main"].is_null() {
        manifest.as_object_mut().unwrap().remove("main");
    }
    files.push(("package.json".to_owned(), manifest.to_string()));
    files
}

/// The path as code, and its folder's.
fn path_of<'a>(place: &'a Piece, path: &str) -> (&'a str, String, String) {
    if path.starts_with(['/', '.']) && (path.starts_with('/') || path.starts_with("./")) {
        let path = path.trim_start_matches("./");
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return ("", format!("'{path}'"), format!("'{folder}'"));
    }
    let fill = |path: &str| {
        let parts: Vec<String> = path.split('/').map(|part| format!("'{part}'")).collect();
        place.code.replace("@REL@", path).replace("@PARTS@", &parts.join(", "))
    };
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    (place.modules, fill(path), fill(folder))
}

fn modules<'a>(pieces: &[&'a str]) -> BTreeSet<(&'a str, &'a str)> {
    let words = pieces.iter().flat_map(|modules| modules.split(' ')).filter(|module| !module.is_empty());
    words.map(|word| word.split_once('=').unwrap_or((word, word))).collect()
}

/// The shape with what is taken and sent; nothing when the two do not go together.
fn shaped(
    shape: &Piece,
    way: &Piece,
    fill: &dyn Fn(&str) -> String,
    told: &dyn Fn(&str) -> String,
) -> Option<(String, Option<String>, bool)> {
    let waits = way.word.contains("async");
    let mut code = shape.code.clone();
    if way.word == "callback" {
        // What comes after goes into the function that is called back.
        let at = code.lines().position(|line| line.starts_with("@TAKE:"))?;
        let lines: Vec<&str> = code.lines().collect();
        let name = lines[at].trim_start_matches("@TAKE:").trim_end_matches('@');
        if lines[at + 1..].contains(&"@@") {
            let rest = lines[at + 1..].join("\n");
            let (rest, part) = rest.split_once("\n@@\n")?;
            code = format!(
                "{}\n{}\n@@\n{part}",
                lines[..at].join("\n"),
                put(&fill(&way.code.replace("@V@", name)), "@REST@", rest)
            );
        } else {
            let rest = lines[at + 1..].join("\n");
            code =
                format!("{}\n{}", lines[..at].join("\n"), put(&fill(&way.code.replace("@V@", name)), "@REST@", &rest));
        }
    }
    let code = put_each(&code, "TAKE", |name| fill(&way.code.replace("@V@", name)));
    let code = put_each(&code, "SEND", told);
    let code = code
        .replace("@ASYNC@", if waits { "async " } else { "" })
        .replace("@AWAIT@", if waits { "await " } else { "" });
    Some(match code.split_once("@@\n") {
        Some((body, part)) => (body.to_owned(), Some(part.to_owned()), waits),
        None => (code, None, waits),
    })
}

fn cell(values: Vec<(&'static str, String)>, expect: SecurityLevel, files: Vec<(String, String)>) -> Cell {
    Cell { values, expect, kind: DistributionKind::NpmTarball, files }
}

/// Thefts.
pub fn theft() -> Vec<Cell> {
    let all = |name| section(TEXT, name);
    let (places, ways, encodes) = (all("place"), all("way"), all("encode"));
    let taken: Vec<Taken> = taken(&ways, all("special"));
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
    let mut cells = Vec::new();
    for row in pairs::rows(&sizes) {
        let what = &taken[row[0]];
        let way = &what.ways[row[1] % what.ways.len()];
        let (place, encode, mut shape) = (&places[row[2]], &encodes[row[3]], &shapes[row[4]]);
        let (send, address_piece, when, style) = (&sends[row[5]], &addresses[row[6]], &whens[row[7]], STYLES[row[8]]);
        let (of_path, path, folder) = what.path.map_or_else(Default::default, |path| path_of(place, path));
        let (url, host, before) = address(address_piece);
        let fill = |code: &str| code.replace("@P@", &path).replace("@F@", &folder);
        let told = |data: &str| {
            let made = format!("const payload = {};\n", encode.code.replace("@E@", data));
            let sent = send.code.replace("@D@", "payload");
            // What stands in a template already needs no further one.
            let sent = sent.replace("${@URL@}", &templated(&url)).replace("${@HOST@}", &templated(&host));
            format!(
                "{{\n{}}}\n",
                put("  @ALL@", "@ALL@", &(made + &sent.replace("@URL@", &url).replace("@HOST@", &host)))
            )
        };
        let (body, part, waits) = shaped(shape, way, &fill, &told).unwrap_or_else(|| {
            shape = &shapes[0];
            shaped(shape, way, &fill, &told).unwrap()
        });
        let (needed, exports) = if part.is_some() { ("", shape.word) } else { (shape.modules, "") };
        let modules = modules(&[way.modules, of_path, encode.modules, needed, send.modules, address_piece.modules]);
        let part = part.map(|part| (part, exports));
        let files = packed(when, style, &Made { modules, before, body, part, waits });
        let values = vec![
            ("what", what.name.clone()),
            ("way", format!("{}{}", if what.path.is_some() { "" } else { "special: " }, way.name)),
            ("place", if what.path.is_some() { place.name } else { "-" }.to_owned()),
            ("encode", encode.name.to_owned()),
            ("shape", shape.name.to_owned()),
            ("send", send.name.to_owned()),
            ("address", address_piece.name.to_owned()),
            ("when", when.name.to_owned()),
            ("style", style.to_owned()),
        ];
        cells.push(cell(values, expected(what.grave, when.word), files));
    }
    cells
}

/// An expression inside of a template.
fn templated(expression: &str) -> String {
    match expression.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        Some(inner) => inner.to_owned(),
        None => format!("${{{expression}}}"),
    }
}

/// Programs that fetch more.
pub fn droppers() -> Vec<Cell> {
    let all = |name| section(TEXT, name);
    let (gets, decodes, runs) = (all("get"), all("decode"), all("run"));
    let (shapes, addresses, whens) = (all("shape"), all("address"), all("when"));
    let sizes = [gets.len(), decodes.len(), runs.len(), shapes.len(), addresses.len(), whens.len(), STYLES.len()];
    let mut cells = Vec::new();
    for row in pairs::rows(&sizes) {
        let (get, decode, run, mut shape) = (&gets[row[0]], &decodes[row[1]], &runs[row[2]], &shapes[row[3]]);
        let (address_piece, when, style) = (&addresses[row[4]], &whens[row[5]], STYLES[row[6]]);
        let (url, host, before) = address(address_piece);
        let fill = |code: &str| {
            let code = code.replace("${@URL@}", &templated(&url)).replace("${@HOST@}", &templated(&host));
            code.replace("@URL@", &url).replace("@HOST@", &host)
        };
        let told = |data: &str| {
            let made = format!("const payload = {};\n", decode.code.replace("@E@", data));
            format!("{{\n{}}}\n", put("  @ALL@", "@ALL@", &(made + &run.code.replace("@D@", "payload"))))
        };
        let (body, part, waits) = shaped(shape, get, &fill, &told).unwrap_or_else(|| {
            shape = &shapes[0];
            shaped(shape, get, &fill, &told).unwrap()
        });
        let (needed, exports) = if part.is_some() { ("", shape.word) } else { (shape.modules, "") };
        let modules = modules(&[get.modules, decode.modules, needed, run.modules, address_piece.modules]);
        let part = part.map(|part| (part, exports));
        let files = packed(when, style, &Made { modules, before, body, part, waits });
        let values = vec![
            ("get", get.name.to_owned()),
            ("decode", decode.name.to_owned()),
            ("shape", shape.name.to_owned()),
            ("run", run.name.to_owned()),
            ("address", address_piece.name.to_owned()),
            ("when", when.name.to_owned()),
            ("style", style.to_owned()),
        ];
        let expect = if when.word == "entry" { SecurityLevel::Clear } else { SecurityLevel::Blocked };
        cells.push(cell(values, expect, files));
    }
    cells
}
