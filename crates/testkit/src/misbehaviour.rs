//! How a server misbehaves, for which path, and how often.

use std::sync::{Arc, Mutex};

/// What happens instead of an ordinary answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Answers this status with an empty body.
    Status(u16),
    /// Answers this status and asks to come back after so many seconds (`Retry-After`).
    Busy(u16, u64),
    /// Answers 200 with bytes that are no JSON, no HTML and no archive.
    Garbage,
    /// Announces the whole body, sends half of it and closes the connection.
    HalfBody,
    /// Answers 302 to this address.
    Redirect(String),
    /// Accepts the connection, reads the request, and never answers.
    Silent,
    /// Answers the right number of wrong bytes.
    WrongBytes,
    /// Answers the body and so many further bytes, all of them announced.
    Longer(usize),
    /// Answers only so many bytes of the body, and announces no more.
    Shorter(usize),
    /// Sends so many bytes a second.
    Slow(u64),
    /// Ignores `Range` and answers the whole file.
    NoRange,
    /// Answers a `Range` with another part than was asked for.
    WrongRange,
    /// Labels the body with this `Content-Encoding`, which it does not have.
    Encoded(&'static str),
}

#[derive(Debug)]
pub(crate) struct Rule {
    /// The exact path, or every path.
    pub path: Option<String>,
    pub what: Misbehaviour,
    /// How often it still happens; forever where there is no number.
    pub left: Option<usize>,
}

/// A misbehaviour that was just set; it lasts until [`Fault::times`] says otherwise.
pub struct Fault {
    pub(crate) rules: Arc<Mutex<Vec<Rule>>>,
    pub(crate) index: usize,
}

impl Fault {
    /// Misbehaves so many times, then never again.
    pub fn times(self, times: usize) {
        self.rules.lock().unwrap()[self.index].left = Some(times);
    }
}

/// The first rule that applies to a path, counted down.
pub(crate) fn next(rules: &Mutex<Vec<Rule>>, path: &str) -> Option<Misbehaviour> {
    let mut rules = rules.lock().unwrap();
    let rule = rules
        .iter_mut()
        .find(|rule| rule.left != Some(0) && rule.path.as_deref().is_none_or(|wanted| wanted == path))?;
    rule.left = rule.left.map(|left| left - 1);
    Some(rule.what.clone())
}
