//! Packages for npm out of the pieces of `javascript.txt`.

use std::collections::BTreeSet;

use sigma_core::DistributionKind;

use crate::cells::{Language, Made};
use crate::pieces::{Piece, files_of, members, put, put_code, put_each, renamed};

pub const JAVASCRIPT: Language = Language {
    text: include_str!("javascript.txt"),
    styles: &STYLES,
    // In a block of its own, because a shape may send twice.
    payload: |made, code| format!("{{\n{}}}\n", put("  @ALL@", "@ALL@", &format!("const payload = {made};\n{code}"))),
    packed,
};

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

/// Loads of modules in a style, and the code that goes with them. A module may have another name in the code: `name=module`.
fn loaded(style: &str, modules: &BTreeSet<&str>, code: &str) -> (String, String) {
    let modules: BTreeSet<(&str, &str)> =
        modules.iter().map(|word| word.split_once('=').unwrap_or((word, word))).collect();
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

fn packed(when: &Piece, style: &str, made: &Made<'_>) -> (DistributionKind, Vec<(String, String)>) {
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
    let mut files = files_of(when, &[".js", ".ts"]);
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
        *text = put_code(text, &imports, &body, |code| serde_json::to_string(code).unwrap());
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
    (DistributionKind::NpmTarball, files)
}
