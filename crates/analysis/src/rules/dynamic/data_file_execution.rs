//! Code is read from a file that does not look like code, and run.

use sigma_core::{Capability, Category, Severity};

use crate::facts::{Call, Effects, Taint, When};
use crate::rules::{Check, Hits, Rule, Source};

pub(in crate::rules) const RULE: Rule = Rule {
    id: "data-file-execution",
    category: Category::DynamicCode,
    capability: Some(Capability::DynamicCode),
    severity: Severity::Medium,
    message: "Runs what a data file holds as code.",
    why: "Scanners and readers look at source files. A payload in a picture, a log or a text beside the code is run all \
          the same.",
    false_positives: "Reading a version from `_version.py` by running it is common and not seen: the file looks like \
                      code. Templates and notebooks that run what a user names have no constant path.",
    example: include_str!("data_file_execution/hit.py"),
    check: Check::Source(check),
};

fn check(source: &Source<'_>, hits: &mut Hits<'_>) {
    // `fork("w.dat")` and `spawn("node", ["w.dat"])` run the file as a program of its own.
    for call in source.calls(Effects::SPAWN) {
        let Some(first) = call.positional(0) else { continue };
        let file = match &*call.path {
            "child_process.fork" => Some(first),
            _ if first.as_text().is_some_and(is_runtime) => call.positional(1).and_then(|list| list.items().first()),
            _ => None,
        };
        let name = file.and_then(|file| file.as_text().or(file.origin.as_deref()));
        if name.and_then(disguise) == Some(true) {
            let hit = hits.at(source.facts, call.place);
            hits.push(hit.severity(Severity::Medium).loaded(Severity::High));
        }
    }
    // Compiled Python that Python itself would not load: its name is not that of a module, or its source is missing.
    // Whoever only asks a loader for its code, to look at it or to pack it, runs nothing.
    let has = |text: &str| memchr::memmem::find(source.facts.source.as_bytes(), text.as_bytes()).is_some();
    let loads = || has(".exec_module") || has(".load_module");
    for call in source.calls(Effects::EVAL).filter(|call| call.path.ends_with("SourcelessFileLoader")) {
        let near = |other: &Call<'_>| &*other.path == "exec" && other.place.function == call.place.function;
        if !source.calls(Effects::EVAL).any(near) && !loads() {
            continue;
        }
        let hit = hits.at(source.facts, call.place);
        hits.push(hit.severity(Severity::Medium).loaded(Severity::High));
    }
    check_pictures(source, hits);
    for call in source.calls(Effects::EVAL).filter(|call| call.taint.any(Taint::FILE)) {
        let values = call.arguments.iter().map(|argument| &argument.value);
        let files = values.filter_map(|value| value.origin.as_deref());
        let hit = hits.at(source.facts, call.place);
        let Some(weight) = files.filter_map(disguise).max() else {
            // A file of the package that holds no code as it lies there.
            if call.taint.any(Taint::OWN) && call.taint.any(Taint::DECODED) {
                hits.push(hit.severity(Severity::High).message("Deciphers a file of the package and runs it as code."));
            }
            continue;
        };
        let severity = if weight && hit.when == When::Load { Severity::High } else { Severity::Medium };
        hits.push(hit.severity(severity));
    }
}

/// Libraries that read the points of a picture or the frames of a sound.
const PICTURES: [&str; 14] = [
    "pngjs",
    "jimp",
    "sharp",
    "jsqr",
    "get-pixels",
    "jpeg-js",
    "upng-js",
    "node-wav",
    "PIL",
    "cv2",
    "imageio",
    "wave",
    "png",
    "pyzbar",
];

/// Bytes of a source in which what is read and what is run belong together.
const SMALL: usize = 64 << 10;

/// A text of which nothing is known is run where pictures or sounds are read: they hide it.
fn check_pictures(source: &Source<'_>, hits: &mut Hits<'_>) {
    let reads = || PICTURES.iter().any(|library| source.facts.imports.contains(*library));
    if source.facts.source.len() > SMALL || !reads() {
        return;
    }
    for call in source.calls(Effects::EVAL) {
        let name = call.path.rsplit('.').next().unwrap_or_default();
        let text = if name == "Function" { call.arguments.last().map(|last| &last.value) } else { call.positional(0) };
        let runs = matches!(name, "eval" | "exec" | "Function" | "runInThisContext" | "runInNewContext" | "computed");
        if runs
            && text.is_some_and(|text| {
                text.as_prefix().is_none() && text.path.as_deref().is_none_or(|path| path.ends_with("()"))
            })
        {
            let hit = hits.at(source.facts, call.place).severity(Severity::Low).loaded(Severity::High);
            hits.push(hit.message("Runs a text that comes from elsewhere, in a file that reads pictures or sounds."));
        }
    }
}

/// True for a program that runs source files.
fn is_runtime(program: &str) -> bool {
    matches!(program, "node" | "bun" | "deno" | "python" | "python3" | "pythonw")
}

/// Whether a file's name speaks of something that is never code; nothing for names that may be code.
fn disguise(file: &str) -> Option<bool> {
    let (_, extension) = file.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "ico" | "bmp" | "wav" | "mp3" | "mp4" | "pdf" | "ttf" | "woff" | "woff2"
        | "bin" | "dat" | "log" | "tmp" | "zip" | "wasm" | "node" | "so" | "dll" | "pem" | "crt" | "map" => Some(true),
        "txt" | "json" | "md" | "csv" | "xml" | "html" | "css" | "svg" | "yml" | "yaml" => Some(false),
        _ => None,
    }
}
