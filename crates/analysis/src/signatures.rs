//! What the files of a submission can be asked to do: the lines that begin its functions and classes.
//!
//! In: a tree. Out: one line each, printable and bounded. It is read line by line: what is written over several lines, or in
//! another way, is not told. It serves who writes a harness, and decides nothing.

use sigma_core::{CodeLanguage, SourceTree, printable};

/// Signatures of a tree that are told.
const MAX_SIGNATURES: usize = 150;
/// Characters of one.
const MAX_LENGTH: usize = 180;

/// The beginning of a function or class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Path of its file.
    pub file: String,
    /// The line as it is written, without what surrounds it.
    pub text: String,
}

/// The signatures of a tree, those of the entry point first.
pub fn signatures(tree: &SourceTree, language: CodeLanguage, entry: &str) -> Vec<Signature> {
    let endings: &[&str] = match language {
        CodeLanguage::Python => &[".py"],
        CodeLanguage::Node => &[".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"],
    };
    let mut files: Vec<_> = tree
        .files
        .iter()
        .filter(|file| file.path == entry || endings.iter().any(|end| file.path.ends_with(end)))
        .collect();
    files.sort_by_key(|file| file.path != entry);
    let of_file = |file: &&sigma_core::SourceFile| {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        let lines: Vec<String> = text.lines().filter_map(|line| signature(language, line)).collect();
        let path = printable(&file.path, MAX_LENGTH);
        lines.into_iter().map(move |text| Signature { file: path.clone(), text })
    };
    files.iter().flat_map(of_file).take(MAX_SIGNATURES).collect()
}

fn signature(language: CodeLanguage, line: &str) -> Option<String> {
    let text = line.trim();
    let word = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let begins = match language {
        CodeLanguage::Python => word(&["def ", "async def ", "class "]) && text.contains(':'),
        CodeLanguage::Node => {
            let bare = text.strip_prefix("export ").unwrap_or(text);
            let bare = bare.strip_prefix("default ").unwrap_or(bare);
            let bare = bare.strip_prefix("async ").unwrap_or(bare);
            ["function ", "function*", "class "].iter().any(|word| bare.starts_with(word))
                || (["const ", "let ", "exports.", "module.exports"].iter().any(|word| bare.starts_with(word))
                    && (bare.contains("=>") || bare.contains("= function") || bare.contains("= async")))
                || text.starts_with("module.exports")
        }
    };
    begins.then(|| printable(text.trim_end_matches(['{', ' ']), MAX_LENGTH))
}

#[cfg(test)]
mod tests {
    use sigma_core::{Origin, SourceFile};

    use super::*;

    #[test]
    fn the_beginnings_of_functions_and_classes_are_told() {
        let check = |language, entry: &str, files: &[(&str, &str)], expect: &[&str]| {
            let file =
                |(path, text): &(&str, &str)| SourceFile { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() };
            let files = files.iter().map(file).collect();
            let tree = SourceTree { origin: Origin::Folder, folder: String::new(), files };
            let told = signatures(&tree, language, entry);
            let told: Vec<String> = told.iter().map(|one| format!("{} {}", one.file, one.text)).collect();
            assert_eq!(told, expect);
        };
        let python =
            "x = 1\ndef add(a: int, b=2) -> int:\n    return a\nclass Box(Base):\n    async def open(self): ...\n";
        check(
            CodeLanguage::Python,
            "main.py",
            &[("a.py", "def other(): ...\n"), ("main.py", python), ("notes.txt", "def no(): ...")],
            &[
                "main.py def add(a: int, b=2) -> int:",
                "main.py class Box(Base):",
                "main.py async def open(self): ...",
                "a.py def other(): ...",
            ],
        );
        let node =
            "export async function ask(a) {\nconst add = (a, b) => a + b;\nconst x = 3;\nmodule.exports = { add };\n";
        check(
            CodeLanguage::Node,
            "main.js",
            &[("main.js", node)],
            &[
                "main.js export async function ask(a)",
                "main.js const add = (a, b) => a + b;",
                "main.js module.exports = { add };",
            ],
        );
        let many = "def f(): ...\n".repeat(1000);
        check(CodeLanguage::Python, "m.py", &[("m.py", &many)], &["m.py def f(): ..."; MAX_SIGNATURES]);
    }
}
