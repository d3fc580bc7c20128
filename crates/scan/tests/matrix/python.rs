//! Packages for Python out of the pieces of `python.txt`.

use std::collections::BTreeSet;

use sigma_core::DistributionKind;

use crate::cells::{Language, Made};
use crate::pieces::{Piece, files_of, members, put_code, renamed};

pub const PYTHON: Language = Language {
    text: include_str!("python.txt"),
    styles: &["import", "as", "from", "from as", "__import__", "importlib", "in pieces", "tried"],
    payload: |made, code| format!("payload = {made}\n{code}"),
    packed,
};

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

fn packed(when: &Piece, style: &str, made: &Made<'_>) -> (DistributionKind, Vec<(String, String)>) {
    let wheel = when.modules == "wheel";
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
    let mut files = files_of(when, &[".py", ".pth", ".toml", ".txt"]);
    for (_, text) in &mut files {
        *text = put_code(text, &imports, &body, |code| format!("{code:?}"));
    }
    if let Some((part, _)) = &made.part {
        let (imports, body) = one(part);
        files.push((if wheel { "demo/part.py" } else { "part.py" }.to_owned(), format!("{imports}{body}")));
    }
    if wheel && !files.iter().any(|(path, _)| path == "demo/__init__.py") {
        files.push(("demo/__init__.py".to_owned(), String::new()));
    }
    (if wheel { DistributionKind::Wheel } else { DistributionKind::Sdist }, files)
}
