//! What holds for every set of ballots.

use proptest::prelude::*;
use sigma_core::{Ballot, CouncilVerdict, ModelSeat, Phase, Reason, Ruling, SecurityLevel, Severity, Vote};

use super::rule;

fn levels() -> impl Strategy<Value = SecurityLevel> {
    use SecurityLevel::{Blocked, Caution, Clear, Monitored};
    prop::sample::select(vec![Clear, Monitored, Caution, Blocked])
}

fn seats() -> impl Strategy<Value = ModelSeat> {
    ("[a-c]", 0_u64..5).prop_map(|(family, cost_micro_usd)| ModelSeat {
        model: format!("{family}-large"),
        family,
        prompt_sha256: None,
        input_tokens: None,
        output_tokens: None,
        cost_micro_usd,
    })
}

fn reasons() -> impl Strategy<Value = Vec<Reason>> {
    let one = ("[a-c]", levels(), prop::option::of("[x-z]")).prop_map(|(code, level, location)| Reason {
        level,
        code,
        message: "m".to_owned(),
        distribution: None,
        location,
        evidence: None,
    });
    prop::collection::vec(one, 0..4)
}

/// Any ballot at all, also ones that no seat would cast.
fn ballots_of(model: impl Strategy<Value = Option<ModelSeat>>) -> impl Strategy<Value = Ballot> {
    let phase = prop::sample::select(vec![Phase::One, Phase::Two]);
    let vote = prop::sample::select(vec![Vote::Safe, Vote::Unsafe, Vote::Abstain]);
    ("[p-t]", phase, vote, levels(), reasons(), model).prop_map(|(validator, phase, vote, level, reasons, model)| {
        Ballot { validator, phase, vote, level, reasons, model }
    })
}

fn any_ballots() -> impl Strategy<Value = Vec<Ballot>> {
    prop::collection::vec(ballots_of(prop::option::of(seats())), 0..10)
}

fn embedded() -> impl Strategy<Value = Vec<Ballot>> {
    prop::collection::vec(ballots_of(Just(None)), 0..8)
}

fn models() -> impl Strategy<Value = Vec<Ballot>> {
    prop::collection::vec(ballots_of(seats().prop_map(Some)), 0..8)
}

/// How strict an outcome is: nothing certified, a person looks, a certificate with its level.
fn strictness(ruling: &Ruling) -> (u8, SecurityLevel) {
    let verdict = match ruling.verdict {
        CouncilVerdict::Approved => 0,
        CouncilVerdict::Escalated => 1,
        CouncilVerdict::Rejected => 2,
    };
    (verdict, ruling.level)
}

fn with(ballots: &[Ballot], more: &[Ballot]) -> Ruling {
    rule(&[ballots, more].concat())
}

proptest! {
    #[test]
    fn one_more_unsafe_is_never_milder(all in any_ballots(), more in ballots_of(prop::option::of(seats()))) {
        let before = strictness(&rule(&all));
        let after = strictness(&with(&all, &[Ballot { vote: Vote::Unsafe, ..more }]));
        prop_assert!(after >= before, "{before:?} became {after:?}");
    }

    #[test]
    fn the_order_of_ballots_does_not_matter(
        (all, shuffled) in any_ballots().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
    ) {
        prop_assert_eq!(rule(&all), rule(&shuffled));
    }

    #[test]
    fn an_abstention_is_not_safe(all in any_ballots(), at in any::<prop::sample::Index>()) {
        // Whoever falls silent instead of saying SAFE never makes a certificate possible that was not.
        prop_assume!(!all.is_empty());
        let at = at.index(all.len());
        prop_assume!(all[at].vote != Vote::Unsafe);
        let mut silent = all.clone();
        silent[at].vote = Vote::Abstain;
        let mut safe = all;
        safe[at].vote = Vote::Safe;
        if rule(&silent).verdict == CouncilVerdict::Approved {
            prop_assert_eq!(rule(&safe).verdict, CouncilVerdict::Approved);
        }
    }

    #[test]
    fn abstentions_alone_approve_nothing(all in any_ballots()) {
        let silent: Vec<Ballot> = all.into_iter().map(|one| Ballot { vote: Vote::Abstain, ..one }).collect();
        prop_assert_eq!(rule(&silent).verdict, CouncilVerdict::Escalated);
    }

    #[test]
    fn models_alone_neither_approve_nor_reject(models in models()) {
        prop_assert_eq!(rule(&models).verdict, CouncilVerdict::Escalated);
    }

    #[test]
    fn models_never_lower_and_never_reject(embedded in embedded(), models in models()) {
        let (alone, heard) = (rule(&embedded), with(&embedded, &models));
        prop_assert!(strictness(&heard) >= strictness(&alone));
        prop_assert_eq!(heard.verdict == CouncilVerdict::Rejected, alone.verdict == CouncilVerdict::Rejected);
        if models.iter().all(|one| one.vote != Vote::Unsafe) {
            // What they only mention makes no warning more serious.
            let grave = |ruling: &Ruling| ruling.warnings.iter().filter(|one| one.severity > Severity::Low).count();
            prop_assert_eq!(grave(&heard), grave(&alone));
        }
        if heard.verdict == CouncilVerdict::Approved {
            // What they add without an objection is a minor concern.
            prop_assert!(heard.level <= alone.level.max(SecurityLevel::Monitored));
            prop_assert!(models.iter().all(|one| one.vote != Vote::Unsafe));
            for phase in [Phase::One, Phase::Two] {
                let seats = models.iter().filter(|one| one.phase == phase);
                let votes = seats.clone().filter(|one| one.vote == Vote::Safe).count();
                prop_assert!(votes * 2 >= seats.count(), "approved below the quorum");
            }
        }
    }

    #[test]
    fn embedded_seats_rule_by_their_own_table(all in embedded()) {
        let panel = |phase| {
            let votes: Vec<Vote> = all.iter().filter(|one| one.phase == phase).map(|one| one.vote).collect();
            if votes.contains(&Vote::Unsafe) {
                Some(false)
            } else {
                votes.contains(&Vote::Safe).then_some(true)
            }
        };
        let highest = all.iter().map(|one| one.level).max().unwrap_or(SecurityLevel::Clear);
        let expect = match (panel(Phase::One), panel(Phase::Two)) {
            (Some(true), Some(true)) => (CouncilVerdict::Approved, highest.min(SecurityLevel::Caution)),
            (Some(false), Some(false)) => (CouncilVerdict::Rejected, SecurityLevel::Blocked),
            _ => (CouncilVerdict::Escalated, highest),
        };
        let ruling = rule(&all);
        prop_assert_eq!((ruling.verdict, ruling.level), expect);
        prop_assert!(!ruling.rationale.contains("model"));
    }
}
