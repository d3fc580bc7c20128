//! SKILL.md: what a skill says about itself.
//!
//! In: the bytes of the file. Out: a [`SkillManifest`] of printable, bounded texts, with a problem and its line for everything
//! that is wrong; it never fails. Every word in it is a claim of its author: this module believes nothing, obeys nothing, and
//! looks for no intentions, which is the analysis engine's work.
//!
//! Read are the YAML frontmatter, after the open agent-skills format, and YAML blocks of the body that declare capabilities or
//! external calls; keys may be written `externalCalls`, `external_calls` or `external-calls`.

mod blocks;
mod fields;
mod yaml;

use std::collections::BTreeSet;

use sigma_core::{ExternalCall, Location, Problem, Sha256, SkillManifest, printable};
use url::Url;

use self::blocks::Block;
use self::fields::Fields;
use self::yaml::{Node, Value};

/// Most entries of a list that are taken.
const LISTED: usize = 100;
/// Most problems that are listed.
const PROBLEMS: usize = 100;

/// What identifies a SKILL.md alone: SHA-256 of its bytes with line ends (CRLF, CR) normalised to LF. It is the `manifest.sha256` of
/// certificates, and what a certificate of a skill without code is compared by.
pub fn sha256_lf(bytes: &[u8]) -> Sha256 {
    Sha256::of(&to_lf(bytes))
}

/// Reads a SKILL.md.
///
/// `path` is shown with problems; `folder` is the name of the folder that the file lies in, which the skill must bear too.
/// Where it is empty, because that is the root of a repository, the names are not compared.
pub fn read(path: &str, bytes: &[u8], folder: &str) -> SkillManifest {
    let mut reader = Reader { problems: Vec::new() };
    let normal = to_lf(bytes);
    let sha256_lf = Sha256::of(&normal);
    if let Err(error) = std::str::from_utf8(&normal) {
        let line = normal[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        reader.problem(line, "the file is not UTF-8");
    }
    let text = String::from_utf8_lossy(&normal);
    let (front, body) = blocks::split(&text);
    let mut manifest = SkillManifest::new(printable(path, 300), sha256_lf);
    match front {
        Ok(front) => {
            if front.line > 2 {
                reader.problem(front.line - 1, "the frontmatter stands after empty lines");
            }
            reader.front(&front, folder, &mut manifest);
        }
        Err((line, what)) => reader.problem(line, what),
    }
    for block in body {
        let fields = reader.fields(&block);
        reader.declarations(&fields, &mut manifest);
    }
    manifest.problems = reader.finish(&manifest.path);
    manifest
}

/// Every end of a line, CR LF or CR, as LF.
fn to_lf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => {}
            b'\r' => out.push(b'\n'),
            other => out.push(*other),
        }
    }
    out
}

struct Reader {
    /// Lines of the file, counted from 1, and sentences.
    problems: Vec<(usize, String)>,
}

impl Reader {
    fn problem(&mut self, line: usize, what: impl Into<String>) {
        self.problems.push((line, what.into()));
    }

    fn fields(&mut self, block: &Block<'_>) -> Fields {
        let read = yaml::read(block.text);
        let offset = block.line - 1;
        for (line, what) in read.problems {
            self.problem(line + offset, what);
        }
        match read.root.value {
            Value::Map(pairs) => Fields::new(pairs, offset),
            Value::Nothing => Fields::new(Vec::new(), offset),
            _ => {
                self.problem(read.root.line + offset, "expected keys and values");
                Fields::new(Vec::new(), offset)
            }
        }
    }

    /// The frontmatter: the open agent-skills format and what is seen beside it.
    fn front(&mut self, block: &Block<'_>, folder: &str, manifest: &mut SkillManifest) {
        let fields = self.fields(block);
        let line = block.line;
        manifest.name = self.text(&fields, "name", 64);
        match &manifest.name {
            None => self.problem(line, "`name` is missing"),
            Some(name) => self.name(fields.line("name"), name, folder),
        }
        manifest.description = self.text(&fields, "description", 1024);
        if manifest.description.is_none() {
            self.problem(line, "`description` is missing");
        }
        manifest.license = self.text(&fields, "license", 200);
        manifest.compatibility = self.text(&fields, "compatibility", 500);
        manifest.homepage = self.text(&fields, "homepage", 300);
        manifest.entry = self.text(&fields, "entry", 300);
        manifest.runtime = self.text(&fields, "runtime", 100);
        manifest.version = self.text(&fields, "version", 64);
        manifest.author = match fields.get("author").map(|node| &node.value) {
            Some(Value::Map(pairs)) => {
                let inner = Fields::new(pairs.clone(), fields.offset);
                self.text(&inner, "name", 200)
            }
            _ => self.text(&fields, "author", 200),
        };
        self.metadata(&fields, manifest);
        // The open format has these two within `metadata`.
        manifest.version = manifest.version.take().or_else(|| manifest.metadata.get("version").cloned());
        manifest.author = manifest.author.take().or_else(|| manifest.metadata.get("author").cloned());
        for node in fields.all("allowedtools") {
            manifest.allowed_tools.extend(self.tools(node, fields.offset));
        }
        self.cut(line, "allowed tools", &mut manifest.allowed_tools);
        self.declarations(&fields, manifest);
    }

    fn name(&mut self, line: usize, name: &str, folder: &str) {
        let fine = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !fine || name.starts_with('-') || name.ends_with('-') || name.contains("--") {
            self.problem(line, "`name`: expected a-z, 0-9 and single hyphens, neither first nor last");
        }
        if !folder.is_empty() && name != folder {
            self.problem(line, format!("`name`: expected the name of its folder, `{}`", printable(folder, 80)));
        }
    }

    /// One text, printable, at most so many characters.
    fn text(&mut self, fields: &Fields, key: &str, most: usize) -> Option<String> {
        let node = fields.get(key)?;
        let line = node.line + fields.offset;
        if fields.all(key).count() > 1 {
            self.problem(line, format!("`{key}` is written in several ways: the first one counts"));
        }
        match &node.value {
            Value::Nothing => None,
            Value::Text(text) => {
                // Several lines are one text.
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let has = text.chars().count();
                if has > most {
                    self.problem(line, format!("`{key}` has {has} characters, expected at most {most}"));
                }
                (!text.is_empty()).then(|| printable(&text, most))
            }
            Value::List(_) | Value::Map(_) => {
                self.problem(line, format!("`{key}`: expected text"));
                None
            }
        }
    }

    fn metadata(&mut self, fields: &Fields, manifest: &mut SkillManifest) {
        let Some(node) = fields.get("metadata") else { return };
        let line = node.line + fields.offset;
        match &node.value {
            Value::Map(pairs) => {
                if pairs.len() > LISTED {
                    self.problem(line, format!("`metadata` has {} entries, {LISTED} are read", pairs.len()));
                }
                for (key, node) in pairs.iter().take(LISTED) {
                    match &node.value {
                        Value::Text(text) => {
                            manifest.metadata.insert(printable(key, 64), printable(text.trim(), 300));
                        }
                        Value::Nothing => {}
                        _ => self.problem(
                            node.line + fields.offset,
                            format!("`metadata`: expected text for `{}`", printable(key, 64)),
                        ),
                    }
                }
            }
            Value::Nothing => {}
            _ => self.problem(line, "`metadata`: expected keys and values"),
        }
    }

    /// Tools: a list, or words separated by spaces or commas that stand outside parentheses.
    fn tools(&mut self, node: &Node, offset: usize) -> Vec<String> {
        match &node.value {
            Value::Text(text) => {
                let mut depth = 0usize;
                let words = text.split(|c: char| {
                    match c {
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    depth == 0 && (c == ',' || c.is_whitespace())
                });
                words.filter(|word| !word.is_empty()).map(|word| printable(word, 200)).collect()
            }
            _ => self.texts(node, offset, "allowed-tools"),
        }
    }

    /// A list of texts; one text is a list of one.
    fn texts(&mut self, node: &Node, offset: usize, key: &str) -> Vec<String> {
        let mut out = Vec::new();
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Nothing => &[],
            _ => std::slice::from_ref(node),
        };
        for item in items {
            match &item.value {
                Value::Text(text) if !text.trim().is_empty() => out.push(printable(text.trim(), 200)),
                Value::Text(_) | Value::Nothing => {}
                // `- network: reason` declares `network`.
                Value::Map(pairs) if pairs.len() == 1 => out.extend(pairs.iter().map(|(key, _)| printable(key, 200))),
                _ => self.problem(item.line + offset, format!("`{key}`: expected text")),
            }
        }
        out
    }

    /// Capabilities and external calls, from the frontmatter or a block of the body.
    fn declarations(&mut self, fields: &Fields, manifest: &mut SkillManifest) {
        for node in fields.all("capabilities") {
            let all = self.texts(node, fields.offset, "capabilities");
            manifest.capabilities.extend(all);
        }
        let mut seen = BTreeSet::new();
        manifest.capabilities.retain(|one| seen.insert(one.clone()));
        self.cut(fields.offset + 1, "capabilities", &mut manifest.capabilities);
        for node in fields.all("externalcalls") {
            let line = node.line + fields.offset;
            match &node.value {
                Value::List(items) => {
                    for item in items {
                        manifest.external_calls.extend(self.call(item, fields.offset));
                    }
                }
                Value::Nothing => {}
                _ => self.problem(line, "`externalCalls`: expected a list"),
            }
        }
        let mut seen = BTreeSet::new();
        manifest.external_calls.retain(|one| seen.insert(one.clone()));
        self.cut(fields.offset + 1, "external calls", &mut manifest.external_calls);
    }

    fn cut<T>(&mut self, line: usize, what: &str, list: &mut Vec<T>) {
        if list.len() > LISTED {
            self.problem(line, format!("{} {what}, {LISTED} are read", list.len()));
            list.truncate(LISTED);
        }
    }

    /// One external call: an address, or `url`, `method`, `auth` and `reason` or `purpose`.
    fn call(&mut self, node: &Node, offset: usize) -> Option<ExternalCall> {
        let line = node.line + offset;
        let fields = match &node.value {
            Value::Text(url) => {
                let url = Node { line: node.line, value: Value::Text(url.clone()) };
                Fields::new(vec![("url".to_owned(), url)], offset)
            }
            Value::Map(pairs) => Fields::new(pairs.clone(), offset),
            _ => {
                self.problem(line, "an external call: expected an address, or keys and values");
                return None;
            }
        };
        let Some(url) = self.text(&fields, "url", 300) else {
            self.problem(line, "an external call: `url` is missing");
            return None;
        };
        match Url::parse(&url) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                if !parsed.username().is_empty() || parsed.password().is_some() {
                    self.problem(line, "an external call: the address carries credentials");
                }
            }
            _ => self.problem(line, "an external call: `url`: expected https://HOST/..."),
        }
        let method = self.text(&fields, "method", 16).map_or("GET".to_owned(), |method| method.to_ascii_uppercase());
        if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.problem(line, "an external call: `method`: expected one HTTP method");
        }
        let reason = self.text(&fields, "reason", 300).or_else(|| self.text(&fields, "purpose", 300));
        Some(ExternalCall { url, method, auth: self.text(&fields, "auth", 100), reason })
    }

    /// Problems in the order of their lines, so many of them.
    fn finish(mut self, path: &str) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        if self.problems.len() > PROBLEMS {
            let more = format!("and {} more problems", self.problems.len() - PROBLEMS);
            self.problems.truncate(PROBLEMS);
            let last = self.problems.last().map_or(1, |(line, _)| *line);
            self.problems.push((last, more));
        }
        let located = self.problems.into_iter().map(|(line, message)| {
            let at = Location { file: path.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX) };
            Problem { message, at }
        });
        located.collect()
    }
}

#[cfg(test)]
mod tests;
