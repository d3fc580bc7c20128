//! Code within code: a text that a file runs is read as source of its own.
//!
//! In: the layers of a file. Out: their hits, hosts and imports, added to those of the file at the line that runs them,
//! with the layer named in the evidence. Bounded in depth, number and bytes, each text read once; a layer that does not
//! parse says nothing about how the file itself was read.

use std::collections::HashSet;
use std::rc::Rc;

use sigma_core::{Confidence, Sha256, printable};

use super::outcome::Outcome;
use crate::facts::{Facts, Layer, When};
use crate::operator::OperatorRules;
use crate::parsers;
use crate::rules::{Hit, KEPT};

/// Layers inside each other that are read. Real ones reach three; some packers repeat themselves fifty times.
const MAX_DEPTH: usize = 64;
/// Layers of one file that are read.
const MAX_LAYERS: usize = 128;
/// Bytes of all layers of one file that are read: 8 MiB.
const MAX_BYTES: usize = 8 << 20;
/// Characters of evidence that are kept.
const EVIDENCE: usize = 160;

/// The layers of a source and what they need to know of it.
#[derive(Default)]
pub(super) struct Within {
    layers: Vec<(Layer, u32, When)>,
    names: Vec<(Rc<str>, Rc<str>)>,
    confidence: Option<Confidence>,
}

impl Within {
    /// What a source holds of them.
    pub fn of(facts: &Facts<'_>) -> Self {
        let line = |at: u32| {
            let before = &facts.source.as_bytes()[..(at as usize).min(facts.source.len())];
            memchr::memchr_iter(b'\n', before).count() as u32 + 1
        };
        let layers = facts.layers.iter().map(|layer| (layer.clone(), line(layer.place.start), facts.when(layer.place)));
        Self { layers: layers.collect(), names: facts.names.clone(), confidence: Some(facts.confidence) }
    }
}

/// A layer that waits to be read, where it is run in the file, and what is around it.
struct Waiting {
    layer: Layer,
    line: u32,
    when: When,
    depth: usize,
    names: Rc<[(Rc<str>, Rc<str>)]>,
    confidence: Confidence,
}

impl Outcome {
    /// Reads the layers, and the layers of those.
    pub(super) fn add_layers(&mut self, within: Within, setup: bool, syntax_depth: u32, rules: &OperatorRules) {
        let mut queue: Vec<Waiting> = Vec::new();
        wait(&mut queue, within, None);
        let (mut read, mut bytes) = (0, 0);
        let mut seen: HashSet<Sha256> = HashSet::new();
        while let Some(next) = queue.pop() {
            let Waiting { layer, line, when, depth, names, confidence } = next;
            bytes += layer.code.len();
            read += 1;
            if read > MAX_LAYERS || bytes > MAX_BYTES {
                return;
            }
            if !seen.insert(Sha256::of(layer.code.as_bytes())) {
                continue;
            }
            let run = |facts: &mut Facts<'_>| {
                let local = rules.read(&layer.code, Some(facts));
                (Self { local, ..Self::of_facts(facts, setup) }, Within::of(facts))
            };
            let ((mut inner, within), _) = rules
                .watching(|| parsers::with_named_facts(&layer.code, layer.language, setup, syntax_depth, &names, run));
            inner.add_text(&layer.code);
            rules.scan(layer.code.as_bytes(), None, &mut inner.local);
            let kind = format!("{} layer {depth}", if layer.decoded { "decoded" } else { "text" });
            self.local.absorb(std::mem::take(&mut inner.local), &kind, (line, when, layer.place.function));
            for hit in &mut inner.hits {
                hit.evidence = printable(&format!("{kind}: {}", hit.evidence), EVIDENCE);
                hit.function = outer_function(hit.when, layer.place.function);
                hit.line = line;
                hit.when = hit.when.min(when);
                hit.confidence = hit.confidence.min(confidence);
            }
            self.absorb(inner);
            if depth < MAX_DEPTH {
                wait(&mut queue, within, Some((line, when, layer.place.function, depth, confidence)));
            }
        }
    }

    /// Takes over what a layer shows. Its own way of being read does not count.
    fn absorb(&mut self, inner: Outcome) {
        let mut kept: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
        for hit in &self.hits {
            *kept.entry(hit.rule).or_default() += 1;
        }
        let weight = |hit: &Hit| (hit.severity, hit.when, hit.confidence);
        for hit in inner.hits {
            let kept = kept.entry(hit.rule).or_default();
            if *kept < KEPT {
                *kept += 1;
                self.hits.push(hit);
                continue;
            }
            // A wall of weak hits must not hide what a layer does.
            let weakest = self.hits.iter_mut().filter(|held| held.rule == hit.rule).min_by_key(|held| weight(held));
            if let Some(weakest) = weakest.filter(|held| weight(held) < weight(&hit)) {
                *weakest = hit;
            }
        }
        for (rule, total) in inner.totals {
            *self.totals.entry(rule).or_default() += total;
        }
        self.hosts.extend(inner.hosts);
        self.imports.extend(inner.imports);
        self.modules.extend(inner.modules.into_iter().map(|(module, _)| (module, 0)));
    }
}

/// The function of the file that what stands in a layer runs in: the one that runs the layer. What only a call inside of the
/// layer would run belongs to none.
fn outer_function(inner: When, outer: u32) -> u32 {
    if inner == When::Load { outer } else { u32::MAX }
}

/// Puts layers in the queue so that the first comes out first.
fn wait(queue: &mut Vec<Waiting>, within: Within, outer: Option<(u32, When, u32, usize, Confidence)>) {
    let names: Rc<[(Rc<str>, Rc<str>)]> = within.names.into();
    let own = within.confidence.unwrap_or(Confidence::High);
    for (mut layer, line, when) in within.layers.into_iter().rev() {
        let names = names.clone();
        // A text that decodes to a program was meant to be run, even where only the tokens around it could be read.
        let own = if layer.decoded { own.max(Confidence::Medium) } else { own };
        queue.push(match outer {
            None => Waiting { layer, line, when, depth: 1, names, confidence: own },
            Some((line, outer, function, depth, confidence)) => {
                layer.place.function = outer_function(when, function);
                Waiting { layer, line, when: when.min(outer), depth: depth + 1, names, confidence: own.min(confidence) }
            }
        });
    }
}
