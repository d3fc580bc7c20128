//! The parts of a SKILL.md that hold YAML: its frontmatter, and fenced blocks of its body.
//!
//! Everything is looked at, however long: a block after 100,000 empty lines counts like any other.

/// Most fenced blocks that are read.
const BLOCKS: usize = 20;

/// A text and the line of the file on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub line: usize,
    pub text: &'a str,
}

/// The frontmatter, or the line and the sentence for why there is none; and the blocks of the body that declare
/// capabilities or external calls.
pub(super) fn split(text: &str) -> (Result<Block<'_>, (usize, &'static str)>, Vec<Block<'_>>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines { text, at: 0, line: 0 };
    let front = loop {
        match lines.next() {
            Some((line, "---", start)) => break Ok((line, start)),
            Some((_, "", _)) => {}
            _ => break Err((1, "the frontmatter is missing: expected a first line `---`")),
        }
    };
    let (front, body) = match front {
        Err(problem) => (Err(problem), Lines { text, at: 0, line: 0 }),
        Ok((opened, _)) => {
            let start = lines.at;
            let mut closing = lines.clone();
            match closing.find(|(_, line, _)| matches!(*line, "---" | "...")) {
                Some((_, _, end)) => (Ok(Block { line: opened + 1, text: &text[start..end] }), closing),
                None => (Err((opened, "the frontmatter has no end: expected a line `---`")), lines),
            }
        }
    };
    (front, fenced(body))
}

/// Fenced code blocks marked as YAML (CommonMark, section 4.5) that have one of the two keys.
fn fenced(mut lines: Lines<'_>) -> Vec<Block<'_>> {
    let text = lines.text;
    let mut blocks = Vec::new();
    while let Some((opened, line, _)) = lines.next() {
        let Some((fence, info)) = fence(line) else { continue };
        let start = lines.at;
        let closes =
            |line: &str| fence_length(line, fence.0) >= fence.1 && line.trim_start().trim_end().len() >= fence.1;
        let end = lines
            .find(|(_, line, _)| closes(line) && line.trim().chars().all(|c| c == fence.0))
            .map_or(text.len(), |(_, _, at)| at);
        let block = &text[start..end];
        let language = info.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let declares = ["capabilities", "externalCalls", "external_calls", "external-calls"];
        if matches!(language.as_str(), "yaml" | "yml") && declares.iter().any(|key| block.contains(key)) {
            blocks.push(Block { line: opened + 1, text: block });
            if blocks.len() >= BLOCKS {
                break;
            }
        }
    }
    blocks
}

/// The character and length of an opening fence, and what follows it.
fn fence(line: &str) -> Option<((char, usize), &str)> {
    let inner = line.trim_start_matches(' ');
    let mark = inner.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = fence_length(line, mark);
    (length >= 3).then(|| ((mark, length), inner[length..].trim()))
}

/// How many of a mark a line begins with, after at most three spaces.
fn fence_length(line: &str, mark: char) -> usize {
    let inner = line.trim_start_matches(' ');
    match line.len() - inner.len() <= 3 {
        true => inner.chars().take_while(|c| *c == mark).count(),
        false => 0,
    }
}

/// Lines with their number, their text without spaces at its end, and where they begin.
#[derive(Clone)]
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let start = self.at;
        self.at += end;
        self.line += 1;
        Some((self.line, rest[..end].trim_end(), start))
    }
}
