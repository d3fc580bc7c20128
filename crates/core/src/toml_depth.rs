//! How deep TOML of strangers nests, told before a parser makes a tree of it.
//!
//! In: the text of a file. Out: whether it is too deep. A tree is read, shown and freed by recursion, where an overflow of
//! the stack ends the process. The parsers bound brackets and the parts of a key, 80 each, but not the two together:
//! `{a.a.a={a.a.a={…` is as deep as both multiplied, 6,400 levels in 13 kB. It must never make a tree itself.

use toml_parser::decoder::Encoding;
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, Source, Span};

/// Levels that a file may nest. 128, as in JSON; those of real projects have about six.
const DEEPEST: usize = 128;

/// Whether TOML nests too deep for a parser: no text may reach one of which this is true. A table in an array of tables
/// counts as one level, as each part of a key does.
pub fn toml_is_too_deep(text: &str) -> bool {
    let mut depth = Depth::default();
    parse_document(&Source::new(text).lex().into_vec(), &mut depth, &mut ());
    depth.deepest > DEEPEST
}

#[derive(Default)]
struct Depth {
    /// Where the tables and arrays around lie, and the one being read.
    outer: Vec<usize>,
    base: usize,
    /// Where the key or value being read lies.
    here: usize,
    /// A dot came before.
    joined: bool,
    deepest: usize,
}

impl Depth {
    fn header(&mut self) {
        self.outer.clear();
        (self.base, self.here, self.joined) = (0, 0, false);
    }

    fn at(&mut self, here: usize) {
        self.here = here;
        self.deepest = self.deepest.max(here);
    }

    /// Answers whether the parser may go in, for which it recurses.
    fn open(&mut self) -> bool {
        self.outer.push(self.base);
        self.at(self.here + 1);
        self.base = self.here;
        self.deepest <= DEEPEST
    }

    fn close(&mut self) {
        self.base = self.outer.pop().unwrap_or_default();
        self.here = self.base;
    }
}

impl EventReceiver for Depth {
    fn std_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.header();
    }

    fn std_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.base = self.here;
    }

    fn array_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.header();
    }

    fn array_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.base = self.here;
    }

    fn inline_table_open(&mut self, _: Span, _: &mut dyn ErrorSink) -> bool {
        self.open()
    }

    fn inline_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close();
    }

    fn array_open(&mut self, _: Span, _: &mut dyn ErrorSink) -> bool {
        self.open()
    }

    fn array_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close();
    }

    fn simple_key(&mut self, _: Span, _: Option<Encoding>, _: &mut dyn ErrorSink) {
        let outer = if std::mem::take(&mut self.joined) { self.here } else { self.base };
        self.at(outer + 1);
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.joined = true;
    }
}

#[cfg(test)]
mod tests {
    use super::toml_is_too_deep;

    #[test]
    fn brackets_and_parts_of_keys_count_together() {
        let check = |text: &str, expect: bool| assert_eq!(toml_is_too_deep(text), expect, "{text}");
        let key = |parts: usize| vec!["a"; parts].join(".");
        check("", false);
        check(&format!("{}=1", key(128)), false);
        check(&format!("{}=1", key(129)), true);
        check(&format!("[{}]\n{}=1", key(64), key(64)), false);
        check(&format!("[{}]\n{}=1", key(64), key(65)), true);
        check(&format!("[[{}]]\n{}=1", key(64), key(65)), true);
        check(&format!("{}={{{}=1}}", key(63), key(64)), false);
        check(&format!("{}={{{}=1}}", key(64), key(64)), true);
        check(&format!("{}=[[{{ b = 1 }}, {{{} = {{}}}}]]", key(64), key(64)), true);
        check(&format!("a={}{}", "[".repeat(127), "]".repeat(127)), false);
        check(&format!("a={}{}", "[".repeat(128), "]".repeat(128)), true);
        check(&format!("a={}", "[".repeat(1_000_000)), true);
        check(&format!("{}=1{}", vec![key(79); 80].join("={"), "}".repeat(79)), true);
    }

    #[test]
    fn what_stands_side_by_side_is_not_deep() {
        let rows = "[[a.b]]\nc.d = [{ e = 1 }, [2, [3]]] # [[\n'f.g'.h = { i = 'j.k', l = \"[[{{\" }\n".repeat(1000);
        assert!(!toml_is_too_deep(&rows));
        assert!(!toml_is_too_deep(&format!("a = [{}]", "[{ b = 1 }],\n".repeat(1000))));
        assert!(!toml_is_too_deep(&format!("a = {{{}}}", "b.c.d = {},".repeat(1000))));
        assert!(!toml_is_too_deep(&"]}.=".repeat(1000)));
    }
}
