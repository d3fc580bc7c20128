//! Files that a program lays out and then starts: texts that it writes, archives that it unpacks, repositories that it clones.
//!
//! In: the calls that write, unpack and start, in the order of the source. Out: what a started file is made of, and the
//! texts of programs that were written piece by piece. Everything is bounded.

use super::Place;
use super::bits::{Effects, Taint};
use super::builder::{Argument, Builder};
use super::name::file_name;
use super::told::origin_of;
use super::value::{Constant, Value};
use super::yields::results;

/// Files of which the text is remembered.
const MAX_FILES: usize = 64;
/// Bytes of one of them that are remembered.
const MAX_TEXT: usize = 256 << 10;

/// The text of a file that the code writes.
pub(super) struct Written {
    /// What was written first.
    pub place: Place,
    /// All of it, in order.
    pub text: String,
    /// In how many pieces.
    pub pieces: u32,
}

impl<'a> Builder<'a> {
    /// Remembers that the file of this name holds a text.
    pub(super) fn note_written(&mut self, name: &str, value: &Value<'a>, place: Place) {
        let Constant::Text(text) = &value.constant else { return };
        let files = &mut self.learned.written;
        let name = file_name(name);
        if text.is_empty() || (files.len() >= MAX_FILES && !files.contains_key(name)) {
            return;
        }
        let written = files.entry(name.to_owned()).or_insert_with(|| Written { place, text: String::new(), pieces: 0 });
        written.pieces += 1;
        let mut room = MAX_TEXT.saturating_sub(written.text.len()).min(text.len());
        while !text.is_char_boundary(room) {
            room -= 1;
        }
        written.text.push_str(&text[..room]);
    }

    /// Remembers what an archive or a repository that is laid out was made of.
    pub(super) fn note_unpacked(&mut self, from: Taint, into: &[Argument<'a>]) {
        if from.any(Taint::REMOTE | Taint::DOWNLOADED) {
            let folder = into.iter().find_map(|argument| argument.value.as_text().or(argument.value.origin.as_deref()));
            if let Some(folder) =
                folder.filter(|f| (3..=200).contains(&f.len()) && self.learned.unpacked_into.len() < 8)
            {
                self.learned.unpacked_into.push(folder.to_owned());
            }
            self.learned.unpacked |= from.and(Taint::ADDRESS | Taint::NAMED_HOST) | Taint::DOWNLOADED;
        }
    }

    /// Remembers what a file holds that the code writes or copies.
    pub(super) fn note_held(&mut self, effects: Effects, arguments: &[Argument<'a>]) {
        let (Some(first), true) = (arguments.first(), effects.any(Effects::WRITE)) else { return };
        let second = arguments.get(1).map_or(Taint::NONE, |argument| argument.value.whole_taint());
        // `copy(from, to)`, `write(file, text)`
        let named = first.value.field("file").cloned();
        let (file, held) = match effects.any(Effects::READ) {
            _ if named.is_some() => (None, results(Effects::READ, second)),
            true => (arguments.get(1), results(Effects::READ, first.value.whole_taint())),
            false => (Some(first), second),
        };
        if held.any(Taint::HELD)
            && let Some(origin) = file.map(|file| &file.value).or(named.as_ref()).and_then(origin_of)
        {
            self.note_download(&origin, held.and(Taint::HELD));
        }
    }

    /// Remembers the file that a command fetches into: `curl -o file address`.
    pub(super) fn note_fetched(&mut self, arguments: &[Argument<'a>], from: Taint) {
        let words = words_of(arguments);
        let Some(at) = words.iter().position(|word| matches!(*word, "curl" | "wget" | "curl.exe")) else { return };
        let rest = words.iter().enumerate().skip(at + 1);
        let mut outputs = rest.filter(|(_, word)| matches!(**word, "-o" | "-O" | "--output" | "--output-document"));
        let file = outputs.next().and_then(|(at, _)| words.get(at + 1)).filter(|file| !file.contains("://"));
        if let Some(file) = file.map(|file| self.made(file)) {
            self.note_download(&file, from | Taint::REMOTE);
        }
    }

    /// Remembers that files of the user are put into an archive.
    pub(super) fn note_packed(&mut self, path: &str, of: Taint) {
        let packs = path.ends_with(".write") && path.starts_with("zipfile.") || path.ends_with(".make_archive");
        if packs || path.starts_with("tarfile.") && path.ends_with(".add") {
            self.learned.packed |= of.any(Taint::FOUND) || path.ends_with(".make_archive") && of.any(Taint::HOME);
        }
    }

    /// What the file is made of that a call starts.
    pub(super) fn started_by(&mut self, effects: Effects, arguments: &[Argument<'a>]) -> Taint {
        if !effects.any(Effects::SPAWN | Effects::EVAL) {
            return Taint::NONE;
        }
        let words = words_of(arguments);
        let clones = words.windows(2).any(|pair| pair == ["git", "clone"]);
        if clones && words.iter().any(|word| word.contains("://")) {
            self.note_unpacked(Taint::DOWNLOADED | Taint::NAMED_HOST, &[]);
        }
        let mut all = Taint::NONE;
        let below = |word: &str| {
            let rest = self.learned.unpacked_into.iter().find_map(|folder| word.strip_prefix(&**folder));
            rest.is_some_and(|rest| rest.starts_with(['/', '\\']))
        };
        if !self.learned.unpacked.is_empty() && (starts_script(&words) || words.first().is_some_and(|word| below(word)))
        {
            all |= self.learned.unpacked;
        }
        if !self.learned.written.is_empty() {
            let interpreted = words.iter().any(|word| is_interpreter(word));
            let known = |word: &&str| {
                let written = self.learned.written.get(file_name(word));
                written.is_some_and(|w| interpreted && w.text.len() >= 40 || is_program(word, &w.text))
            };
            if words.iter().any(known) {
                all |= Taint::WRITTEN;
            }
        }
        all
    }
}

/// True for an archive that files are put into.
pub(super) fn packs(path: &str) -> bool {
    matches!(
        path,
        "zipfile.ZipFile()" | "tarfile.open()" | "tarfile.TarFile()" | "adm-zip()" | "archiver()" | "jszip()"
    )
}

/// Bytes of a text that can be a command or a part of one.
pub(super) const MAX_COMMAND: usize = 2_000;
/// Parts of one command that are looked at.
pub(super) const MAX_PARTS: usize = 32;
/// Words of one part.
pub(super) const MAX_WORDS: usize = 100;

/// The words of a command, in order; of a part that is not known, the name of the file that it stands for.
pub(crate) fn words_of<'v>(arguments: &'v [Argument<'_>]) -> Vec<&'v str> {
    let values = arguments.iter().flat_map(|argument| {
        let alone = std::iter::once(&argument.value).filter(|value| value.items().is_empty());
        alone.chain(argument.value.items())
    });
    let mut words = Vec::new();
    for value in values.take(MAX_PARTS) {
        match value.path.as_deref() {
            Some("sys.executable") => words.push("python"),
            Some("process.execPath" | "process.argv0") => words.push("node"),
            _ => {}
        }
        if let Some(text) = value.as_prefix().filter(|text| text.len() <= MAX_COMMAND) {
            words.extend(text.split([' ', '"', '\'', '\n', ';']).filter(|word| !word.is_empty()).take(MAX_WORDS));
        }
        if !matches!(value.constant, Constant::Text(_)) {
            words.extend(value.origin.as_deref());
        }
    }
    words
}

/// Endings of the names of scripts.
const SCRIPTS: [&str; 12] = [".py", ".pyw", ".js", ".mjs", ".cjs", ".sh", ".bat", ".cmd", ".ps1", ".vbs", ".pl", ".rb"];

/// True for words that start an interpreter on a file.
pub(crate) fn starts_script(words: &[&str]) -> bool {
    let Some(at) = words.iter().position(|word| is_interpreter(word)) else { return false };
    words[at + 1..].iter().any(|word| SCRIPTS.iter().any(|end| word.ends_with(end)))
}

/// True for the name of a program that runs scripts.
fn is_interpreter(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).trim_end_matches(".exe");
    name.starts_with("python") || matches!(name, "py" | "node" | "sh" | "bash" | "ruby" | "perl")
}

/// True for a text that is a program, by the name of its file or by how it begins.
fn is_program(name: &str, text: &str) -> bool {
    let head = text.trim_start();
    let named = SCRIPTS.iter().any(|end| name.ends_with(end)) && text.len() >= 20;
    let begins = ["import ", "from ", "#!/", "@echo", "const ", "var ", "require("];
    named || text.len() >= 40 && begins.iter().any(|begin| head.starts_with(begin))
}
