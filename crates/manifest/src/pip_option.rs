//! Options on the lines of a requirements file: one line comes in, its requirement part and its options go out, as
//! pip's `break_args_options`, `shlex.split` and `optparse` read them (abbreviations and joined short options too).

/// What an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PipOption {
    IndexUrl,
    ExtraIndexUrl,
    NoIndex,
    FindLinks,
    Requirement,
    Constraint,
    Editable,
    Pre,
    RequireHashes,
    TrustedHost,
    /// Chooses between kinds of files: `--no-binary`, `--only-binary`, `--prefer-binary`.
    BinaryChoice,
    UseFeature,
    Hash,
    /// Passed to a package's own build: `--config-settings`, `--global-option`.
    Build,
}

/// Long name, option, whether it takes a value.
const LONG: [(&str, PipOption, bool); 21] = [
    ("--all-releases", PipOption::BinaryChoice, true),
    ("--config-setting", PipOption::Build, true),
    ("--config-settings", PipOption::Build, true),
    ("--constraint", PipOption::Constraint, true),
    ("--editable", PipOption::Editable, true),
    ("--extra-index-url", PipOption::ExtraIndexUrl, true),
    ("--find-links", PipOption::FindLinks, true),
    ("--global-option", PipOption::Build, true),
    ("--hash", PipOption::Hash, true),
    ("--index-url", PipOption::IndexUrl, true),
    ("--no-binary", PipOption::BinaryChoice, true),
    ("--no-index", PipOption::NoIndex, false),
    ("--only-binary", PipOption::BinaryChoice, true),
    ("--only-final", PipOption::BinaryChoice, true),
    ("--pre", PipOption::Pre, false),
    ("--prefer-binary", PipOption::BinaryChoice, false),
    ("--pypi-url", PipOption::IndexUrl, true),
    ("--require-hashes", PipOption::RequireHashes, false),
    ("--requirement", PipOption::Requirement, true),
    ("--trusted-host", PipOption::TrustedHost, true),
    ("--use-feature", PipOption::UseFeature, true),
];

/// All short options take a value.
const SHORT: [(char, PipOption); 6] = [
    ('i', PipOption::IndexUrl),
    ('f', PipOption::FindLinks),
    ('r', PipOption::Requirement),
    ('c', PipOption::Constraint),
    ('e', PipOption::Editable),
    ('C', PipOption::Build),
];

/// The two parts of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PipLine {
    /// What stands before the first option: a requirement, or nothing.
    pub requirement: String,
    /// The options, each with its value (empty for a flag).
    pub options: Vec<(PipOption, String)>,
    /// Words among the options that belong to none of them. pip drops them without a word.
    pub stray: Vec<String>,
}

/// Splits a line. The error says what cannot be read.
pub(super) fn split(line: &str) -> Result<PipLine, String> {
    // pip splits at single spaces; the options begin with the first word that begins with `-`.
    let options_at = if line.starts_with('-') { Some(0) } else { line.find(" -").map(|at| at + 1) };
    let Some(options_at) = options_at else {
        return Ok(PipLine { requirement: line.to_owned(), ..PipLine::default() });
    };
    let (requirement, options) = line.split_at(options_at);
    let mut parsed = PipLine { requirement: requirement.trim_end().to_owned(), ..PipLine::default() };
    let mut words = shell_words(options)?.into_iter();
    while let Some(word) = words.next() {
        let mut value_of = |name: &str, joined: Option<String>| {
            joined.or_else(|| words.next()).ok_or_else(|| format!("`{name}` lacks its value"))
        };
        if word == "--" {
            parsed.stray.extend(words.by_ref());
        } else if word.starts_with("--") {
            let (name, joined) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let (option, takes_value) = long_option(name)?;
            let value = match takes_value {
                true => value_of(name, joined)?,
                false if joined.is_some() => return Err(format!("`{name}` takes no value")),
                false => String::new(),
            };
            parsed.options.push((option, value));
        } else if let Some(letter) = word.strip_prefix('-').and_then(|rest| rest.chars().next()) {
            let Some((_, option)) = SHORT.iter().find(|(short, _)| *short == letter) else {
                return Err(format!("got option `-{letter}`, which pip does not accept in a requirements file"));
            };
            let joined = Some(word[1 + letter.len_utf8()..].to_owned()).filter(|value| !value.is_empty());
            parsed.options.push((*option, value_of(&word[..2], joined)?));
        } else {
            parsed.stray.push(word);
        }
    }
    Ok(parsed)
}

/// The option of that name, or the only one that begins so.
fn long_option(name: &str) -> Result<(PipOption, bool), String> {
    let mut matching = LONG.iter().filter(|(long, ..)| long.starts_with(name));
    let exact = LONG.iter().find(|(long, ..)| *long == name);
    match (exact, matching.next(), matching.next()) {
        (Some(&(_, option, value)), ..) => Ok((option, value)),
        (None, Some(&(_, option, value)), None) => Ok((option, value)),
        (None, Some(_), Some(_)) => Err(format!("option `{name}` is ambiguous")),
        (None, None, _) => Err(format!("got option `{name}`, which pip does not accept in a requirements file")),
    }
}

/// Python's `shlex.split`: quotes, and backslashes outside single quotes; `#` is not a comment.
fn shell_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a quotation mark is not closed".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("a quotation mark is not closed".to_owned()),
                        },
                        Some(c) => word.push(c),
                        None => return Err("a quotation mark is not closed".to_owned()),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("a backslash escapes nothing")?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let got = match split(line) {
            Ok(line) => {
                let options: Vec<_> =
                    line.options.iter().map(|(option, value)| format!("{option:?}={value}")).collect();
                format!("{}|{}|{}", line.requirement, options.join(" "), line.stray.join(" "))
            }
            Err(message) => message,
        };
        assert_eq!(got, expect, "{line}");
    }

    #[test]
    fn options_in_every_spelling() {
        check("requests==1 ; os_name == '-x'", "requests==1 ; os_name == '-x'||");
        check("-i https://h/", "|IndexUrl=https://h/|");
        check("-ihttps://h/", "|IndexUrl=https://h/|");
        check("--index-url=https://h/", "|IndexUrl=https://h/|");
        check("--index-url https://h/", "|IndexUrl=https://h/|");
        check("--index=https://h/", "|IndexUrl=https://h/|");
        check("--extra-index-url https://h/ --pre", "|ExtraIndexUrl=https://h/ Pre=|");
        check("-rfile.txt", "|Requirement=file.txt|");
        check("-r 'a b.txt'", "|Requirement=a b.txt|");
        check("-r \"a\\\"b\" c\\ d", "|Requirement=a\"b|c d");
        check("-e .", "|Editable=.|");
        check("a==1 --hash=sha256:00 --hash sha256:11", "a==1|Hash=sha256:00 Hash=sha256:11|");
        check("a==1   --config-settings k=v", "a==1|Build=k=v|");
        check("--config-setting=k=v", "|Build=k=v|");
        check("--pre requests", "|Pre=|requests");
        check("--no-index --find-links=./x -- y", "|NoIndex= FindLinks=./x|y");
    }

    #[test]
    fn what_pip_rejects() {
        check("--bogus", "got option `--bogus`, which pip does not accept in a requirements file");
        check("-q", "got option `-q`, which pip does not accept in a requirements file");
        check("-é", "got option `-é`, which pip does not accept in a requirements file");
        check("--re x", "option `--re` is ambiguous");
        check("-r", "`-r` lacks its value");
        check("--pre=1", "`--pre` takes no value");
        check("-r 'x", "a quotation mark is not closed");
        check("-r x\\", "a backslash escapes nothing");
    }
}
