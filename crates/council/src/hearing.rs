//! What the model seats say, taken together.
//!
//! In: their ballots. Out: who objects, which panel lacks its quorum, and whether the second panel is fresh. A model's SAFE
//! gives nothing, so there is no word for it here.

use std::collections::BTreeSet;

use sigma_core::{Ballot, Phase, SecurityLevel, Vote};

/// The models, heard.
pub(crate) struct Hearing<'a> {
    /// Who says UNSAFE.
    pub objectors: Vec<&'a str>,
    /// Whether somebody who says SAFE has a concern.
    pub concerned: bool,
    /// Votes and seats of both panels.
    turnout: [(usize, usize); 2],
    /// Model families that sit on both panels.
    shared: Vec<&'a str>,
}

impl<'a> Hearing<'a> {
    /// Hears the ballots of models.
    pub fn of(ballots: &[&'a Ballot]) -> Self {
        let on = |phase| ballots.iter().filter(move |ballot| ballot.phase == phase);
        let turnout = |phase| (on(phase).filter(|ballot| ballot.vote != Vote::Abstain).count(), on(phase).count());
        let families = |phase| -> BTreeSet<&str> {
            on(phase).filter_map(|one| Some(one.model.as_ref()?.family.as_str())).collect()
        };
        let says = |vote| ballots.iter().filter(move |ballot| ballot.vote == vote);
        Self {
            objectors: says(Vote::Unsafe).map(|ballot| ballot.validator.as_str()).collect(),
            concerned: says(Vote::Safe).any(|ballot| ballot.level > SecurityLevel::Clear),
            turnout: [turnout(Phase::One), turnout(Phase::Two)],
            shared: families(Phase::One).intersection(&families(Phase::Two)).copied().collect(),
        }
    }

    /// Whether nothing may be approved.
    pub fn stops(&self) -> bool {
        !self.objectors.is_empty() || self.turnout.iter().any(|turnout| !is_quorum(*turnout))
    }

    /// All of it in a sentence.
    pub fn sentence(&self) -> String {
        let [first, second] = self.turnout;
        let mut parts = vec![format!(
            "of the models {} of {} voted on the first panel and {} of {} on the second",
            first.0, first.1, second.0, second.1
        )];
        for (which, turnout) in [("first", first), ("second", second)] {
            if !is_quorum(turnout) {
                parts.push(format!("the {which} panel lacks its quorum of models"));
            }
        }
        if !self.objectors.is_empty() {
            parts.push(format!("UNSAFE say {}", self.objectors.join(", ")));
        }
        if !self.shared.is_empty() {
            parts.push(format!("both panels share the model family {}", self.shared.join(", ")));
        }
        parts.join("; ")
    }
}

/// At least half of the seats.
fn is_quorum((votes, seats): (usize, usize)) -> bool {
    votes * 2 >= seats
}
