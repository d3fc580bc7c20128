//! Consensus: from ballots to a ruling, and nothing else.

use std::collections::BTreeMap;

use sigma_core::{Ballot, CouncilVerdict, Phase, Reason, Ruling, SecurityLevel, Severity, Vote, Warning};

use crate::hearing::Hearing;

/// Most warnings that a certificate carries; the rest is in the stored round, and the last warning says how many.
const MAX_WARNINGS: usize = 25;

/// How a panel voted as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Panel {
    Safe,
    Unsafe,
    /// Nobody could judge.
    Silent,
}

/// Rules on the ballots of both panels. The order of the ballots does not matter.
///
/// The embedded seats agree or not. A panel is UNSAFE when any of its embedded validators is: they look through different
/// lenses, so a majority would let one lens blind the other. Abstentions count as nothing. Two panels must agree:
///
/// | first | second | embedded outcome |
/// | --- | --- | --- |
/// | SAFE | SAFE | APPROVED at the highest level that any ballot proposes, at most CAUTION |
/// | UNSAFE | UNSAFE | REJECTED, BLOCKED |
/// | anything else (split) | | ESCALATED: nothing is certified before an operator decides |
///
/// Models are then heard. They can stop a certificate and never give one, and they never reject:
///
/// | embedded outcome | models | outcome |
/// | --- | --- | --- |
/// | REJECTED | whatever they say | REJECTED, BLOCKED |
/// | ESCALATED | whatever they say | ESCALATED; BLOCKED is proposed where one says UNSAFE |
/// | APPROVED | one says UNSAFE (veto) | ESCALATED, BLOCKED is proposed |
/// | APPROVED | on one of the panels fewer than half of the model seats vote (quorum) | ESCALATED |
/// | APPROVED | all that vote say SAFE, one with a concern | APPROVED, at least MONITORED |
/// | APPROVED | all that vote say SAFE | APPROVED as the embedded seats say |
///
/// Below the quorum nothing is approved, because content that silences models must not gain by it. A panel on which no
/// model has a seat needs no quorum.
pub fn rule(ballots: &[Ballot]) -> Ruling {
    let mut ballots = ballots.to_vec();
    ballots.sort_by(|a, b| (a.phase, &a.validator, a).cmp(&(b.phase, &b.validator, b)));
    let (models, embedded): (Vec<&Ballot>, Vec<&Ballot>) = ballots.iter().partition(|ballot| ballot.model.is_some());
    let (mut verdict, mut level, mut rationale) = agree(&embedded);
    if !models.is_empty() {
        let heard = Hearing::of(&models);
        if verdict == CouncilVerdict::Approved && heard.stops() {
            verdict = CouncilVerdict::Escalated;
        }
        level = match verdict {
            CouncilVerdict::Escalated if !heard.objectors.is_empty() => SecurityLevel::Blocked,
            CouncilVerdict::Approved if heard.concerned => level.max(SecurityLevel::Monitored),
            _ => level,
        };
        rationale = format!("{rationale}; {}", heard.sentence());
    }
    let warnings = warnings(&ballots);
    Ruling { verdict, level, warnings, ballots, rationale }
}

/// What the embedded seats say together.
fn agree(ballots: &[&Ballot]) -> (CouncilVerdict, SecurityLevel, String) {
    let (first, second) = (panel(ballots, Phase::One), panel(ballots, Phase::Two));
    let highest = ballots.iter().map(|ballot| ballot.level).max().unwrap_or(SecurityLevel::Clear);
    match (first, second) {
        (Panel::Safe, Panel::Safe) => {
            let level = highest.min(SecurityLevel::Caution);
            let who = proposers(ballots, highest);
            let why = match level {
                SecurityLevel::Clear => "both panels found no concern".to_owned(),
                _ => format!("both panels vote SAFE; {who} asks for {level}"),
            };
            (CouncilVerdict::Approved, level, why)
        }
        (Panel::Unsafe, Panel::Unsafe) => {
            let why = format!("both panels vote UNSAFE ({})", proposers(ballots, SecurityLevel::Blocked));
            (CouncilVerdict::Rejected, SecurityLevel::Blocked, why)
        }
        _ => {
            let why = format!("the panels do not agree: {}, {}", describe("first", first), describe("second", second));
            (CouncilVerdict::Escalated, highest, why)
        }
    }
}

fn panel(ballots: &[&Ballot], phase: Phase) -> Panel {
    let mut seats = ballots.iter().filter(|ballot| ballot.phase == phase && ballot.vote != Vote::Abstain).peekable();
    if seats.peek().is_none() {
        return Panel::Silent;
    }
    match seats.any(|ballot| ballot.vote == Vote::Unsafe) {
        true => Panel::Unsafe,
        false => Panel::Safe,
    }
}

fn describe(which: &str, panel: Panel) -> String {
    let voted = match panel {
        Panel::Safe => "votes SAFE",
        Panel::Unsafe => "votes UNSAFE",
        Panel::Silent => "cannot judge",
    };
    format!("the {which} panel {voted}")
}

fn proposers(ballots: &[&Ballot], level: SecurityLevel) -> String {
    let names: Vec<&str> =
        ballots.iter().filter(|ballot| ballot.level >= level).map(|ballot| ballot.validator.as_str()).collect();
    names.join(", ")
}

/// The level that a reason has in the outcome: what a model only mentions while it says SAFE is a minor concern.
fn weight(ballot: &Ballot, reason: &Reason) -> SecurityLevel {
    match (&ballot.model, ballot.vote) {
        (None, _) | (Some(_), Vote::Unsafe) => reason.level,
        (Some(_), Vote::Safe) => reason.level.min(SecurityLevel::Monitored),
        (Some(_), Vote::Abstain) => SecurityLevel::Clear,
    }
}

/// Code, distribution and location: one concern.
type Place<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// What the ballots hold against the subject, each concern once, most serious first.
fn warnings(ballots: &[Ballot]) -> Vec<Warning> {
    let mut strongest: BTreeMap<Place<'_>, (SecurityLevel, &Reason)> = BTreeMap::new();
    for (ballot, reason) in ballots.iter().flat_map(|ballot| ballot.reasons.iter().map(move |one| (ballot, one))) {
        let level = weight(ballot, reason);
        if level == SecurityLevel::Clear {
            continue;
        }
        let key = (reason.code.as_str(), reason.distribution.as_deref(), reason.location.as_deref());
        let kept = strongest.entry(key).or_insert((level, reason));
        if level > kept.0 {
            *kept = (level, reason);
        }
    }
    let mut warnings: Vec<Warning> = strongest
        .into_values()
        .map(|(level, reason)| Warning {
            severity: match level {
                SecurityLevel::Clear => Severity::Info,
                SecurityLevel::Monitored => Severity::Low,
                SecurityLevel::Caution => Severity::High,
                SecurityLevel::Blocked => Severity::Critical,
            },
            code: reason.code.clone(),
            message: reason.message.clone(),
            distribution: reason.distribution.clone(),
            location: reason.location.clone(),
            evidence: reason.evidence.clone(),
        })
        .collect();
    warnings.sort_by(|a, b| (b.severity, a).cmp(&(a.severity, b)));
    if warnings.len() > MAX_WARNINGS {
        let left_out = warnings.len() - MAX_WARNINGS;
        warnings.truncate(MAX_WARNINGS);
        warnings.push(Warning {
            severity: Severity::Info,
            code: "more-warnings".to_owned(),
            message: format!("{left_out} further warnings are in the stored council round"),
            distribution: None,
            location: None,
            evidence: None,
        });
    }
    warnings
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use SecurityLevel::{Blocked, Caution, Clear, Monitored};
    use Vote::{Abstain, Safe, Unsafe};

    fn check(ballots: &[(Phase, Vote, SecurityLevel)], expect: &str) {
        let ballots: Vec<Ballot> = ballots
            .iter()
            .enumerate()
            .map(|(seat, &(phase, vote, level))| Ballot {
                validator: format!("v{seat}"),
                phase,
                vote,
                level,
                reasons: vec![],
                model: None,
            })
            .collect();
        let mut shuffled = ballots.clone();
        shuffled.reverse();
        let ruling = rule(&ballots);
        assert_eq!(format!("{} {}", ruling.verdict.as_str(), ruling.level), expect);
        assert_eq!(rule(&shuffled).level, ruling.level, "the order of ballots must not matter");
        assert_eq!(rule(&shuffled).ballots, ruling.ballots);
    }

    #[test]
    fn two_panels_must_agree() {
        use Phase::{One, Two};
        check(&[(One, Safe, Clear), (Two, Safe, Clear)], "APPROVED CLEAR");
        check(&[(One, Safe, Monitored), (One, Safe, Clear), (Two, Safe, Clear)], "APPROVED MONITORED");
        check(&[(One, Safe, Clear), (Two, Safe, Caution)], "APPROVED CAUTION");
        check(&[(One, Safe, Clear), (One, Unsafe, Blocked), (Two, Unsafe, Blocked)], "REJECTED BLOCKED");
        check(&[(One, Unsafe, Blocked), (Two, Safe, Caution)], "ESCALATED BLOCKED");
        check(&[(One, Safe, Clear), (Two, Unsafe, Blocked)], "ESCALATED BLOCKED");
        check(&[(One, Safe, Clear), (One, Abstain, Clear), (Two, Abstain, Clear)], "ESCALATED CLEAR");
        check(&[], "ESCALATED CLEAR");
    }

    #[test]
    fn warnings_are_merged_bounded_and_sorted() {
        let reason = |level, code: &str, line: usize| Reason {
            level,
            code: code.to_owned(),
            message: "m".to_owned(),
            distribution: None,
            location: Some(format!("f.py:{line}")),
            evidence: None,
        };
        let ballot = |phase, reasons| Ballot {
            validator: "v".to_owned(),
            phase,
            vote: Safe,
            level: Caution,
            reasons,
            model: None,
        };
        let many: Vec<Reason> = (0..40).map(|line| reason(Monitored, "b", line)).collect();
        let ballots = [
            ballot(Phase::One, [vec![reason(Monitored, "a", 1), reason(Clear, "quiet", 1)], many].concat()),
            ballot(Phase::Two, vec![reason(Caution, "a", 1)]),
        ];
        let warnings = rule(&ballots).warnings;
        assert_eq!(warnings.len(), MAX_WARNINGS + 1);
        assert_eq!((warnings[0].code.as_str(), warnings[0].severity), ("a", Severity::High));
        assert_eq!(warnings.last().unwrap().message, "16 further warnings are in the stored council round");
        assert!(warnings.iter().all(|warning| warning.code != "quiet"));
    }
}
