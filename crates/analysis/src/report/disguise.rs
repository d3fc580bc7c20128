//! Source that bears the name of an image, a font or a sound, or that stands behind one in the same file.
//!
//! In: a path and bytes. Out: the piece that is source, and in which language. It decides by a few words that every
//! program needs, within the first bytes; what parses to nothing is the rules' business.

use memchr::memmem;

use crate::language::{Language, extension_of};
use crate::parsers;

/// Extensions of files that hold no text.
const SHOWN: [&str; 22] = [
    "png", "jpg", "jpeg", "gif", "bmp", "webp", "ico", "tif", "tiff", "ttf", "otf", "woff", "woff2", "eot", "mp3",
    "mp4", "wav", "ogg", "pdf", "avi", "icns", "psd",
];
/// Bytes that are looked at for the words of a program.
const HEAD: usize = 8 << 10;
/// Bytes behind an image that can be a program.
const MIN_TAIL: usize = 16;

/// The source in a file that should hold none.
pub(super) fn hidden_source<'a>(path: &str, bytes: &'a [u8]) -> Option<(&'a [u8], Language)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !SHOWN.contains(&&*extension_of(name)?) {
        return None;
    }
    let source = if parsers::is_text(bytes) { bytes } else { behind_image(bytes)? };
    if source.len() < MIN_TAIL || !parsers::is_text(source) {
        return None;
    }
    language(source).map(|language| (source, language))
}

/// Endings of texts that are not run, by Node.js or by a bundler.
const DOCUMENTS: [&str; 9] = ["json", "md", "rst", "html", "htm", "map", "yml", "yaml", "xml"];

/// Whether a text of this name may be run, for all that its name says.
pub(super) fn may_be_run(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !extension_of(name).is_some_and(|extension| DOCUMENTS.contains(&&*extension))
}

/// Whether a text looks like a program by its first lines.
pub(super) fn is_program(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_TAIL && language(bytes).is_some()
}

/// What follows the end of a PNG, JPEG or GIF.
fn behind_image(bytes: &[u8]) -> Option<&[u8]> {
    // The last mark of the end: a thumbnail inside an image has one of its own.
    let (mark, length): (&[u8], usize) = match bytes {
        [0x89, b'P', b'N', b'G', ..] => (b"IEND", 8),
        [0xff, 0xd8, 0xff, ..] => (b"\xff\xd9", 2),
        [b'G', b'I', b'F', b'8', ..] => (b"\0\x3b", 2),
        _ => return None,
    };
    let end = memmem::rfind(bytes, mark)? + length;
    bytes.get(end..).map(|rest| rest.trim_ascii_start())
}

/// The language that a text is a program in, by its first lines.
fn language(source: &[u8]) -> Option<Language> {
    let text = parsers::decode(&source[..source.len().min(HEAD)]);
    let text = text.trim_start();
    if text.starts_with('<') || text.starts_with("version https://") || text.starts_with("%PDF") {
        return None;
    }
    let line =
        |starts: &[&str]| text.lines().map(str::trim_start).any(|line| starts.iter().any(|s| line.starts_with(s)));
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let shebang = text.starts_with("#!");
    // What is quick to tell comes first: most texts are no programs.
    if has(&["(", "import "])
        && line(&["import ", "from ", "def ", "exec(", "eval(", "@", "class ", "__import__("])
        && !has(&["function", "=>", "require(", "const ", "var ", "};", "atob(", "console."])
        || (shebang && has(&["python"]))
    {
        return Some(Language::Python);
    }
    let script =
        has(&["function(", "function (", "=>", "require(", "eval(", "module.exports", "console.log(", "process."])
            && has(&[";", "\n", "("]);
    (script || (shebang && has(&["node"]))).then_some(Language::JavaScript)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, bytes: &[u8], expect: Option<Language>) {
        assert_eq!(hidden_source(path, bytes).map(|(_, language)| language), expect, "{path}");
    }

    #[test]
    fn programs_behind_and_instead_of_images_are_found() {
        check("a/logo.png", b"import os\nos.system('id')\n", Some(Language::Python));
        check("logo.JPG", b"const cp = require('child_process'); cp.exec('id');", Some(Language::JavaScript));
        check("a.woff", b"eval(atob('MQ=='));console.log(1)", Some(Language::JavaScript));
        check(
            "a.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82import os\nos.system('id')\n",
            Some(Language::Python),
        );
        check("a.gif", b"GIF89a\0\0\0\x3b\nimport os\nos.system('id')\n", Some(Language::Python));
        check("a.jpg", b"\xff\xd8\xff\xe0\0\xff\xd9exec(open('x').read())\n", Some(Language::Python));
    }

    #[test]
    fn images_and_what_stands_in_for_them_are_not() {
        check("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82", None);
        check("a.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", None);
        check("a.png", b"<!DOCTYPE html><script>var f = function() {};</script>", None);
        check("a.txt", b"import os\nos.system('id')\n", None);
        check("a.png", b"", None);
    }
}
