//! Where a text may instruct a model: what [`super::prompt_injection`] and [`super::hidden_instruction`] look for, found in
//! one pass over it.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input};

use super::{hidden_instruction, prompt_injection};
use crate::literals;

/// Where the anchors of both rules stand in a text, in order, also where one begins within another.
pub(in crate::rules) struct Anchors(Vec<(u32, u32)>);

/// An anchor that stands in a text.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    pub start: usize,
    pub end: usize,
}

static ALL: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| prompt_injection::ANCHORS.into_iter().chain(hidden_instruction::ANCHORS).collect());

static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| literals::finder(ALL.iter().copied()).ok());

impl Anchors {
    pub fn of(text: &str) -> Self {
        let (mut found, mut start) = (Vec::new(), 0);
        let next = |start| FINDER.as_ref()?.find(Input::new(text).span(start..text.len()));
        while let Some(anchor) = next(start) {
            found.push((anchor.start() as u32, anchor.pattern().as_u32()));
            start = anchor.start() + 1;
        }
        Self(found)
    }

    /// Those of prompt injection.
    pub(super) fn orders(&self) -> impl Iterator<Item = Anchor> {
        self.within(0, prompt_injection::ANCHORS.len())
    }

    /// Those of what is not shown.
    pub(super) fn unseen(&self) -> impl Iterator<Item = Anchor> {
        self.within(prompt_injection::ANCHORS.len(), ALL.len())
    }

    fn within(&self, from: usize, to: usize) -> impl Iterator<Item = Anchor> {
        self.0.iter().filter_map(move |(start, index)| {
            let (start, index) = (*start as usize, *index as usize);
            let length = ALL.get(index)?.len();
            (from..to).contains(&index).then_some(Anchor { start, end: start + length })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_anchor_is_found_wherever_it_stands() {
        for (index, text) in ALL.iter().enumerate() {
            let (orders, unseen) = (prompt_injection::ANCHORS.len(), hidden_instruction::ANCHORS.len());
            let found = Anchors::of(&format!("{}{text}\n{text}", "a".repeat(67)));
            let places = |anchors: &mut dyn Iterator<Item = Anchor>| -> Vec<(usize, usize)> {
                anchors.map(|anchor| (anchor.start, anchor.end)).collect()
            };
            let (one, two) = ((67, 67 + text.len()), (68 + text.len(), 68 + 2 * text.len()));
            let order = index < orders;
            assert!(order || index < orders + unseen);
            assert_eq!(places(&mut found.orders()), if order { vec![one, two] } else { vec![] }, "{text}");
            assert_eq!(places(&mut found.unseen()), if order { vec![] } else { vec![one, two] }, "{text}");
        }
    }
}
