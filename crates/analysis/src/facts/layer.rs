//! Code that stands in a file as text and is run: the argument of `exec`, what a decoder yields, `python -c`.
//!
//! In: the calls of a file with their folded arguments. Out: [`Layer`]s, each to be read as source of its own. Nothing is
//! run; number and size are bounded, and what is left out only means that the call itself is all that is told.

use std::rc::Rc;

use super::bits::{Effects, Taint};
use super::laid_out::Written;
use super::value::{Constant, Text, Value};
use super::{Call, Place};
use crate::language::Language;

/// Layers that are kept of one file.
const MAX_LAYERS: usize = 64;
/// Bytes of all layers of one file: 4 MiB.
const MAX_BYTES: usize = 4 << 20;
/// Names that a layer is told of the code around it.
const MAX_NAMES: usize = 500;

/// A text that is run as code.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The code.
    pub code: String,
    /// The language it is written in.
    pub language: Language,
    /// Where it is run.
    pub place: Place,
    /// Whether it came out of a decoder.
    pub decoded: bool,
}

/// The layers of a file, in the order of its calls, each text once.
pub(super) fn collect(calls: &[Call<'_>], language: Language) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut bytes = 0;
    let spawns = calls.iter().any(|call| call.effects.any(Effects::SPAWN));
    let matter = Effects::EVAL | Effects::SPAWN | Effects::RUNS | Effects::WRITE;
    for call in calls.iter().filter(|call| call.effects.any(matter)) {
        let found = match call.effects.any(Effects::WRITE) && !call.effects.any(Effects::EVAL | Effects::SPAWN) {
            // A program that is written to a file and started.
            true if spawns => written(call),
            true => None,
            false => code_of(call, language),
        };
        let Some((code, language)) = found else { continue };
        if layers.len() >= MAX_LAYERS || bytes + code.len() > MAX_BYTES {
            break;
        }
        let known = layers.iter().any(|layer| layer.code == code);
        if code.trim().is_empty() || known {
            continue;
        }
        bytes += code.len();
        let decoded = call.taint.any(Taint::DECODED);
        layers.push(Layer { code, language, place: call.place, decoded });
    }
    layers
}

/// The names of the code around a layer that mean something: `os` is `os`, `system` is `os.system`.
pub(super) fn names<'s, 'v: 's>(
    scope: impl Iterator<Item = (&'s str, &'s Value<'v>)>,
    layers: &[Layer],
) -> Vec<(Rc<str>, Rc<str>)> {
    if layers.is_empty() {
        return Vec::new();
    }
    let named = scope.filter_map(|(name, value)| Some((name.into(), value.path.as_deref()?.into())));
    let mut names: Vec<(Rc<str>, Rc<str>)> = named.collect();
    names.sort();
    names.truncate(MAX_NAMES);
    names
}

/// The program that a call writes: a text of several statements that fetches or runs something.
fn written(call: &Call<'_>) -> Option<(String, Language)> {
    let texts = call.arguments.iter().filter_map(|argument| match &argument.value.constant {
        Constant::Text(text) if (40..=MAX_BYTES).contains(&text.len()) => Some(&**text),
        _ => None,
    });
    texts.into_iter().find_map(|text| Some((text.to_owned(), program(text)?)))
}

/// The language of a text of several statements that fetches or runs something.
fn program(text: &str) -> Option<Language> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let head = text.trim_start();
    let python = (head.starts_with("import ") || head.starts_with("from "))
        && has(&["exec(", "urlopen", "requests", "subprocess", "os.system", "socket."]);
    let script = has(&["require('child_process')", "require(\"child_process\")", "eval("]) && has(&["require("]);
    match (python, script) {
        (true, _) => Some(Language::Python),
        (_, true) => Some(Language::JavaScript),
        _ => None,
    }
}

/// The programs that are written piece by piece, where something is started.
pub(super) fn pieced<'w>(written: impl Iterator<Item = &'w Written>, calls: &[Call<'_>], layers: &mut Vec<Layer>) {
    if !calls.iter().any(|call| call.effects.any(Effects::SPAWN)) {
        return;
    }
    for file in written.filter(|file| file.pieces > 1) {
        if let Some(language) = program(&file.text).filter(|_| layers.len() < MAX_LAYERS) {
            layers.push(Layer { code: file.text.clone(), language, place: file.place, decoded: false });
        }
    }
}

fn code_of(call: &Call<'_>, language: Language) -> Option<(String, Language)> {
    let text = |value: &Value<'_>| match &value.constant {
        Constant::Text(text) if text.len() <= MAX_BYTES => Some(text.to_string()),
        _ => None,
    };
    if call.effects.any(Effects::SPAWN) {
        return command(call);
    }
    let script = language != Language::Python;
    // `setTimeout("code")` runs a text only in browsers, but nobody writes one there for another reason.
    if call.effects.any(Effects::RUNS) {
        let timer = script && matches!(&*call.path, "setTimeout" | "setInterval" | "setImmediate");
        return text(call.positional(0).filter(|_| timer)?).map(|code| (code, language));
    }
    let code = match &*call.path {
        // The last argument is the body, those before are parameters.
        "Function" => {
            let (body, parameters) = call.arguments.split_last()?;
            let names: Vec<String> = parameters.iter().filter_map(|parameter| text(&parameter.value)).collect();
            format!("(function({}) {{\n{}\n}})()", names.join(","), text(&body.value)?)
        }
        "runpy.run_path" | "execfile" | "importScripts" => return None,
        _ => text(call.positional(0).or_else(|| call.option("source"))?)?,
    };
    Some((code, language))
}

/// The code in a command: `[sys.executable, "-c", code]`, `"node -e 'code'"`.
fn command(call: &Call<'_>) -> Option<(String, Language)> {
    let mut words: Vec<Text<'_>> = Vec::new();
    for argument in &call.arguments {
        let values = std::iter::once(&argument.value).filter(|value| value.items().is_empty());
        for value in values.chain(argument.value.items()).take(32) {
            match (&value.constant, value.path.as_deref()) {
                (Constant::Text(text), _) if text.len() <= MAX_BYTES => words.push(*text),
                (_, Some("sys.executable")) => words.push("python".into()),
                (_, Some("process.execPath" | "process.argv0")) => words.push("node".into()),
                _ => {}
            }
        }
    }
    if let [line] = &*words {
        let split = shell_words(line)?;
        return code_among(split.iter().map(String::as_str));
    }
    code_among(words.iter().map(|word| &**word)).or_else(|| {
        // `["sh", "-c", "python -c ..."]`
        words.iter().find_map(|line| code_among(shell_words(line)?.iter().map(String::as_str)))
    })
}

/// The code that a command line hands to an interpreter.
pub(crate) fn code_in_line(line: &str) -> Option<(String, Language)> {
    code_among(shell_words(line)?.iter().map(String::as_str))
}

/// The code that an interpreter among the words is handed.
fn code_among<'w>(words: impl Iterator<Item = &'w str>) -> Option<(String, Language)> {
    let mut language = None;
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let program = word.rsplit(['/', '\\']).next().unwrap_or(word).trim_end_matches(".exe");
        if program.starts_with("python") || matches!(program, "py" | "pythonw") {
            language = Some(Language::Python);
        } else if matches!(program, "node" | "nodejs" | "bun" | "deno") {
            language = Some(Language::JavaScript);
        }
        let Some(language) = language else { continue };
        let flag = match language {
            Language::Python => word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'),
            _ => matches!(word, "-e" | "--eval" | "-p" | "-pe" | "eval"),
        };
        if flag {
            return Some((words.next()?.to_owned(), language));
        }
    }
    None
}

/// The words of a command line that names an interpreter, quotes taken off. Nothing for any other.
fn shell_words(line: &str) -> Option<Vec<String>> {
    let asks = line.len() <= MAX_BYTES && [" -c", " -e", "-uc", " --eval", " -p"].iter().any(|f| line.contains(f));
    if !asks || !(line.contains("py") || line.contains("node") || line.contains("bun") || line.contains("deno")) {
        return None;
    }
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => match characters.next() {
                Some(c) if quote.is_none() || matches!(c, '"' | '\\' | '$' | '`') => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => {}
            },
            (None, '"' | '\'') => (quote, open) = (Some(character), true),
            (None, c) if c.is_whitespace() || matches!(c, ';' | '&' | '|') => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Option<&str>) {
        let code = shell_words(line).and_then(|words| code_among(words.iter().map(String::as_str)));
        assert_eq!(code.map(|(code, _)| code).as_deref(), expect, "{line}");
    }

    #[test]
    fn code_in_command_lines_is_found() {
        check("python3 -c 'import os'", Some("import os"));
        check(r#"start /b pythonw.exe -uc "import os;print(\"a\")""#, Some("import os;print(\"a\")"));
        check("/usr/bin/node --eval \"require('x')\"", Some("require('x')"));
        check("sh -c 'ls -c'", None);
        check("gcc -c main.c", None);
        check("python setup.py install", None);
        check("python -c '", None);
    }
}
