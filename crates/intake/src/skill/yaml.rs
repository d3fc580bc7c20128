//! YAML from a stranger, as a small tree with lines.
//!
//! In: text. Out: as much of its first document as can be read, and problems with their lines. Nothing is expanded: an alias is
//! a problem and stands for nothing, so that anchors cannot explode. Nodes and depth are bounded; events come one by one, so
//! what lies beyond a bound is never parsed. Values stay texts: no number, date or object is made of them.

use saphyr_parser::{Event, Parser, ScalarStyle};
use sigma_core::printable;

/// Most nodes; a manifest has some dozens.
const NODES: usize = 4_000;
/// Deepest nesting; a manifest needs three.
const DEPTH: usize = 12;

/// A node and the line on which it begins, counted from 1 within the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub line: usize,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An empty value, `null` or `~`.
    Nothing,
    Text(String),
    List(Vec<Node>),
    /// Keys in their order, each once.
    Map(Vec<(String, Node)>),
}

/// What was read: a tree, and problems as `(line, sentence)`.
pub(super) struct Read {
    pub root: Node,
    pub problems: Vec<(usize, String)>,
}

/// Reads the first document of a text.
pub(super) fn read(text: &str) -> Read {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.problem(error.marker().line(), format!("this is not YAML: {}", printable(error.info(), 150)));
                break;
            }
        };
        if !builder.take(event, span.start.line()) {
            break;
        }
    }
    builder.finish()
}

/// A list or map that is still open.
struct Open {
    line: usize,
    value: Value,
    /// The key whose value comes next.
    key: Option<String>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    problems: Vec<(usize, String)>,
}

impl Builder {
    fn problem(&mut self, line: usize, what: impl Into<String>) {
        self.problems.push((line, what.into()));
    }

    /// Takes one event; false where reading ends.
    fn take(&mut self, event: Event<'_>, line: usize) -> bool {
        self.nodes += 1;
        if self.nodes > NODES {
            self.problem(line, format!("more than {NODES} values: the rest is not read"));
            return false;
        }
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.tag(tag.is_some(), line);
                let value = match text.as_ref() {
                    "" | "~" | "null" | "Null" | "NULL" if style == ScalarStyle::Plain => Value::Nothing,
                    text => Value::Text(text.to_owned()),
                };
                self.put(Node { line, value });
            }
            Event::Alias(_) => {
                self.problem(line, "an alias is not followed: write the value itself");
                self.put(Node { line, value: Value::Nothing });
            }
            Event::SequenceStart(_, tag) => return self.enter(Value::List(Vec::new()), tag.is_some(), line),
            Event::MappingStart(_, tag) => return self.enter(Value::Map(Vec::new()), tag.is_some(), line),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::DocumentStart(_) if self.root.is_some() => {
                self.problem(line, "a second document begins here: it is not read");
                return false;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        true
    }

    fn tag(&mut self, tagged: bool, line: usize) {
        if tagged {
            self.problem(line, "a tag is not obeyed: every value is text");
        }
    }

    fn enter(&mut self, value: Value, tagged: bool, line: usize) -> bool {
        self.tag(tagged, line);
        if self.open.len() >= DEPTH {
            self.problem(line, format!("nested more than {DEPTH} deep: the rest is not read"));
            return false;
        }
        self.open.push(Open { line, value, key: None });
        true
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.put(Node { line: open.line, value: open.value });
        }
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut open.value {
            Value::List(items) => items.push(node),
            Value::Map(pairs) => match open.key.take() {
                None => match node.value {
                    Value::Text(text) => open.key = Some(text),
                    Value::Nothing => open.key = Some(String::new()),
                    Value::List(_) | Value::Map(_) => {
                        open.key = Some(String::new());
                        self.problem(node.line, "a key must be text");
                    }
                },
                // Other readers take the last one, or fail: two readers must not see two manifests.
                Some(key) if pairs.iter().any(|(other, _)| *other == key) => {
                    let what = format!("`{}` stands here twice: the first one counts", printable(&key, 80));
                    self.problem(node.line, what);
                }
                Some(key) => pairs.push((key, node)),
            },
            Value::Nothing | Value::Text(_) => {}
        }
    }

    /// What was read until here is closed, so that a mistake near the end does not hide the beginning.
    fn finish(mut self) -> Read {
        while !self.open.is_empty() {
            self.close();
        }
        let root = self.root.unwrap_or(Node { line: 1, value: Value::Nothing });
        Read { root, problems: self.problems }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in one line, and the problems.
    fn show(text: &str) -> String {
        fn tree(node: &Node) -> String {
            match &node.value {
                Value::Nothing => "-".to_owned(),
                Value::Text(text) => format!("{text:?}"),
                Value::List(items) => format!("[{}]", items.iter().map(tree).collect::<Vec<_>>().join(", ")),
                Value::Map(pairs) => {
                    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}: {}", tree(value))).collect();
                    format!("{{{}}}", pairs.join(", "))
                }
            }
        }
        let read = read(text);
        let problems: Vec<_> = read.problems.iter().map(|(line, what)| format!("{line}: {what}")).collect();
        format!("{} {}", tree(&read.root), problems.join(" | "))
    }

    #[test]
    fn what_is_read() {
        insta::assert_snapshot!(
            [
                "a: 1\nb: [x, 'y', ~]\nc:\n  d: |\n    two\n    lines\n  e:",
                "a: 1\na: 2\nb: 3",
                "a: &x [1]\nb: *x\nc: 3",
                "a: !!python/object:os.system [rm]\nb: 2",
                "? [x]\n: 1\nb: 2",
                "a: 1\nb: [1, 2\nc: 3",
                "a: \"x\nb: 2",
                "a: 1\n---\nb: 2",
                "a: 1\n\tb: 2",
                "<<: *x\nb: 1",
                "just text",
                "a: 1\n```\n",
                "\n\n\na: [1]\nb: *",
                "",
                "on: yes\nversion: 1.10\ndate: 2026-01-01",
            ]
            .map(|text| format!("{}\n    {}", text.escape_debug(), show(text)))
            .join("\n")
        );
    }

    #[test]
    fn what_would_explode_is_bounded() {
        let lol = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
        assert!(read(lol).problems.iter().all(|(_, what)| what.contains("alias")));
        assert_eq!(read(lol).problems.len(), 18);
        for (text, problem) in [
            ("[".repeat(100_000), "recursion limit exceeded"),
            ("{a: ".repeat(100_000), "recursion limit exceeded"),
            ("[".repeat(100), "nested more than 12"),
            ("- ".repeat(100_000), "nested more than 12"),
            ("? ".repeat(100_000), "nested more than 12"),
            // Of nested brackets the scanner reads some hundred ahead, and stops.
            (format!("[{}", "x, ".repeat(100_000)), "more than 4000 values"),
            (format!("a:{}x: [", "\n".repeat(100_000)), "not YAML"),
            (format!("&{} x", "a".repeat(200_000)), ""),
            (format!("a: \"{}", "\\n".repeat(100_000)), "not YAML"),
            (format!("a: {}", "x\n\n ".repeat(60_000)), ""),
            (format!("{}: 1", "a ".repeat(100_000)), ""),
            ("%TAG ! tag:x\n".repeat(20_000), ""),
            ("!".repeat(200_000), ""),
            ("a: |\n".to_owned() + &" \n".repeat(100_000), ""),
        ] {
            let found = read(&text);
            let all = format!("{:?}", found.problems);
            assert!(all.contains(problem), "{}: {}", &text[..20], &all[..all.len().min(300)]);
        }
    }
}
