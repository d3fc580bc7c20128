//! Rounds with models: real clients against a fake endpoint on loopback.

use std::time::Duration;

use sigma_core::*;
use sigma_testkit::{FakeModel, Manner, Misbehaviour};

use super::*;
use crate::model::{ApiKey, ModelApi, Panels};
use crate::tests::{dossier, finding};
use crate::validators::code::tests::ordinary;
use crate::{deliberate, deliberate_code};

const SECRET: &str = "sk-very-secret";

fn config(id: &str, api: ModelApi, base_url: &str) -> ModelConfig {
    ModelConfig {
        id: id.to_owned(),
        api,
        base_url: base_url.parse().unwrap(),
        model: format!("{id}-large"),
        family: id.to_owned(),
        key: Some(ApiKey::new(SECRET).unwrap()),
        panels: Panels::Either,
        timeout: Duration::from_secs(20),
        max_cost_micro_usd: 1_000_000,
        input_price_micro_usd: 3_000_000,
        output_price_micro_usd: 15_000_000,
        max_tokens: 1024,
        allow_http_on_loopback: true,
    }
}

/// The model on both kinds of endpoint, on the first panel.
fn seated(fake: &FakeModel) -> [ModelConfig; 2] {
    let one = |api, url: String| ModelConfig { panels: Panels::One, ..config("fake", api, &url) };
    [one(ModelApi::OpenAi, fake.openai_url()), one(ModelApi::Anthropic, fake.anthropic_url())]
}

fn votes(vote: &'static str, level: &'static str, facts: &[&'static str]) -> Manner {
    Manner::Votes { vote, level, facts: facts.to_vec() }
}

async fn round_of(models: Vec<ModelConfig>) -> Round {
    Council::new(models, 10_000_000).unwrap().round_code(&ordinary()).await
}

fn model_ballots(ruling: &Ruling) -> Vec<&Ballot> {
    ruling.ballots.iter().filter(|ballot| ballot.model.is_some()).collect()
}

/// Checks how the model votes, or why it abstains, on either kind of endpoint; and what is ruled of a submission that the
/// embedded seats approve as CLEAR.
async fn check(manner: Manner, vote: &str, ruled: &str) {
    let fake = FakeModel::start(manner.clone());
    for model in seated(&fake) {
        let api = model.api;
        let ruling = round_of(vec![model]).await.ruling;
        let ballot = model_ballots(&ruling)[0];
        let said = match ballot.vote {
            Vote::Safe => format!("SAFE {}", ballot.level),
            Vote::Unsafe => format!("UNSAFE {}", ballot.level),
            Vote::Abstain => ballot.reasons[0].code.clone(),
        };
        assert_eq!(said, vote, "{manner:?} {api:?} {ballot:#?}");
        assert_eq!(format!("{} {}", ruling.verdict.as_str(), ruling.level), ruled, "{manner:?} {api:?} {ruling:#?}");
        if ballot.vote == Vote::Abstain {
            assert!(ruling.warnings.is_empty(), "an abstention is about the model: {:#?}", ruling.warnings);
        }
    }
}

#[test]
fn without_models_nothing_is_asked_and_nothing_changes() {
    // No runtime: whatever waited for the network would panic.
    use futures::executor::block_on;
    let council = Council::embedded();
    for findings in [vec![], vec![finding(Severity::Critical, Category::Network, Reach::Install)]] {
        let package = dossier(findings);
        assert_eq!(block_on(council.round(&package)).ruling, deliberate(&package));
    }
    let ruling = block_on(council.round_code(&ordinary())).ruling;
    assert_eq!(ruling, deliberate_code(&ordinary()));
    fn sendable(_: &impl Send) {}
    sendable(&council.round_code(&ordinary()));
    let stored = serde_json::to_value(&ruling.ballots).unwrap();
    assert!(!stored.to_string().contains("\"model\""), "ballots of embedded seats keep their bytes");
}

#[tokio::test]
async fn a_vote_is_stored_with_what_it_takes_to_repeat_it() {
    let fake = FakeModel::start(votes("SAFE", "CLEAR", &[]));
    for model in seated(&fake) {
        let round = round_of(vec![model.clone()]).await;
        let ballot = model_ballots(&round.ruling)[0].clone();
        let seat = ballot.model.unwrap();
        assert_eq!(
            (ballot.validator.as_str(), ballot.vote, ballot.level),
            ("model:fake", Vote::Safe, SecurityLevel::Clear)
        );
        assert_eq!((seat.input_tokens, seat.output_tokens), (Some(1000), Some(100)));
        assert_eq!(seat.cost_micro_usd, 1000 * 3 + 100 * 15);
        let transcript = &round.transcripts[0];
        assert_eq!(seat.prompt_sha256, Some(Sha256::of(&transcript.request)));
        let asked = fake.server.log().pop().unwrap();
        assert_eq!(asked.body, transcript.request);
        match model.api {
            ModelApi::OpenAi => assert_eq!(asked.authorization, Some(format!("Bearer {SECRET}"))),
            ModelApi::Anthropic => assert_eq!(asked.api_key.as_deref(), Some(SECRET)),
        }
        let council = Council::new(vec![model.clone()], 1).unwrap();
        let shown = format!("{model:?} {council:?} {round:?} {}", String::from_utf8_lossy(&transcript.request));
        assert!(!shown.contains(SECRET));
        let question: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!((&question["temperature"], &question["max_tokens"]), (&0.into(), &1024.into()));
        let schema = match model.api {
            ModelApi::OpenAi => &question["response_format"]["json_schema"]["schema"],
            ModelApi::Anthropic => &question["output_config"]["format"]["schema"],
        };
        assert_eq!(schema["additionalProperties"], false);
    }
}

#[tokio::test]
async fn models_stop_a_certificate_and_never_give_one() {
    check(votes("SAFE", "CLEAR", &[]), "SAFE CLEAR", "APPROVED CLEAR").await;
    check(votes("SAFE", "CAUTION", &["F1", "F2", "F3"]), "SAFE CAUTION", "APPROVED MONITORED").await;
    check(votes("UNSAFE", "BLOCKED", &["F1", "F2", "F3"]), "UNSAFE BLOCKED", "ESCALATED BLOCKED").await;
    check(votes("ABSTAIN", "CLEAR", &[]), "abstains", "ESCALATED CLEAR").await;
    check(Manner::Flatters, "SAFE CLEAR", "APPROVED CLEAR").await;

    let fake = FakeModel::start(Manner::Flatters);
    for findings in [
        vec![finding(Severity::Critical, Category::Network, Reach::Install)],
        vec![finding(Severity::High, Category::Network, Reach::Import)],
        vec![Finding { confidence: Confidence::Medium, ..finding(Severity::Critical, Category::Network, Reach::Call) }],
    ] {
        let subject = dossier(findings);
        let alone = deliberate(&subject);
        let council = Council::new(seated(&fake)[..1].to_vec(), 10_000_000).unwrap();
        let heard = council.round(&subject).await.ruling;
        assert_eq!((heard.verdict, heard.level), (alone.verdict, alone.level));
        assert_eq!(heard.warnings, alone.warnings);
    }
}

#[tokio::test]
async fn what_is_no_vote_is_an_abstention() {
    for (manner, code) in [
        (Manner::Steered, "steered"),
        (Manner::WrongCanary, "wrong-canary"),
        (Manner::Prose, "prose"),
        (Manner::Html, "prose"),
        (Manner::Wrapped, "prose"),
        (Manner::OtherSchema, "other-schema"),
        (Manner::ExtraField, "other-schema"),
        (Manner::Refuses, "refusal"),
        (Manner::CutOff, "cut-off"),
        (Manner::Huge(20 << 20), "too-long"),
        (Manner::PageInstead, "not-json"),
        (Manner::OtherInterface, "other-envelope"),
        (votes("SAFE", "BLOCKED", &[]), "contradictory"),
        (votes("UNSAFE", "CLEAR", &[]), "contradictory"),
        (votes("UNSAFE", "BLOCKED", &[]), "unsupported"),
        (votes("UNSAFE", "BLOCKED", &["F999"]), "unknown-fact"),
        (votes("MAYBE", "CLEAR", &[]), "other-schema"),
        (votes("SAFE", "CLEAR", &["F1"; 11]), "other-schema"),
        // The decoy is ours: it says nothing about what is judged.
        (Manner::BlamesDecoy, "unsupported"),
    ] {
        check(manner, code, "ESCALATED CLEAR").await;
    }
}

#[tokio::test]
async fn endpoints_that_fail_are_abstentions_too() {
    let failing = |what: Misbehaviour| {
        let fake = FakeModel::start(votes("SAFE", "CLEAR", &[]));
        fake.server.misbehave_everywhere(what);
        fake
    };
    let elsewhere = FakeModel::start(votes("SAFE", "CLEAR", &[]));
    let redirect = Misbehaviour::Redirect(format!("{}/chat/completions", elsewhere.openai_url()));
    for (what, code) in [
        (Misbehaviour::Status(500), "http-status"),
        (Misbehaviour::Busy(429, 1), "http-status"),
        (redirect, "http-status"),
        (Misbehaviour::HalfBody, "unreachable"),
        (Misbehaviour::Garbage, "not-json"),
        // A label that the body does not have is not believed: bodies are taken as they come.
        (Misbehaviour::Encoded("gzip"), "votes"),
        (Misbehaviour::Slow(40), "late"),
        (Misbehaviour::Silent, "late"),
    ] {
        let fake = failing(what.clone());
        for model in seated(&fake) {
            let timeout = Duration::from_secs(if code == "late" { 1 } else { 20 });
            let ruling = round_of(vec![ModelConfig { timeout, ..model }]).await.ruling;
            let ballot = model_ballots(&ruling)[0];
            let said = ballot.reasons.first().map_or("votes", |reason| reason.code.as_str());
            assert_eq!(said, code, "{what:?} {ballot:#?}");
            let approved = ballot.vote == Vote::Safe;
            assert_eq!((approved, ruling.verdict == CouncilVerdict::Approved), (code == "votes", code == "votes"));
        }
    }
    assert_eq!(elsewhere.server.total_requests(), 0, "redirects are not followed");
    // Nobody listens on the first port.
    let closed = ModelConfig { panels: Panels::One, ..config("down", ModelApi::OpenAi, "http://127.0.0.1:1/v1") };
    let ruling = round_of(vec![closed]).await.ruling;
    let ballot = model_ballots(&ruling)[0];
    assert_eq!((ballot.vote, ballot.reasons[0].code.as_str()), (Vote::Abstain, "unreachable"));
    assert_eq!(ballot.model.as_ref().unwrap().cost_micro_usd, 0);
}

#[tokio::test]
async fn a_round_never_costs_more_than_its_budget() {
    let fake = FakeModel::start(votes("SAFE", "CLEAR", &[]));
    let three =
        || -> Vec<ModelConfig> { ["a", "b", "c"].map(|id| config(id, ModelApi::OpenAi, &fake.openai_url())).into() };
    let codes = |ruling: &Ruling| -> Vec<String> {
        let of = |ballot: &Ballot| ballot.reasons.first().map_or("votes".to_owned(), |reason| reason.code.clone());
        model_ballots(ruling).into_iter().map(|ballot| format!("{} {}", ballot.validator, of(ballot))).collect()
    };
    // One question is about 6,000 bytes at 3 micro-dollars and 1,024 tokens at 15.
    let poor = Council::new(three(), 60_000).unwrap().round_code(&ordinary()).await;
    assert_eq!(codes(&poor.ruling), ["model:a votes", "model:c over-budget", "model:b votes"]);
    assert_eq!(poor.ruling.verdict, CouncilVerdict::Approved, "half of the first panel is a quorum");
    assert_eq!(poor.transcripts.len(), 2);
    let none = Council::new(three(), 0).unwrap().round_code(&ordinary()).await;
    assert_eq!(codes(&none.ruling), ["model:a over-budget", "model:c over-budget", "model:b over-budget"]);
    assert_eq!(none.ruling.verdict, CouncilVerdict::Escalated);
    assert!(none.ruling.rationale.contains("the first panel lacks its quorum of models"), "{}", none.ruling.rationale);
    let capped = three().into_iter().map(|one| ModelConfig { max_cost_micro_usd: 10, ..one }).collect();
    let capped = Council::new(capped, 10_000_000).unwrap().round_code(&ordinary()).await;
    assert!(codes(&capped.ruling).iter().all(|said| said.ends_with("over-budget")));
    for round in [poor, none, capped] {
        let spent: u64 =
            model_ballots(&round.ruling).iter().filter_map(|one| Some(one.model.as_ref()?.cost_micro_usd)).sum();
        assert!(spent <= 60_000);
    }
}

#[tokio::test]
async fn the_second_panel_is_fresh_where_that_can_be() {
    let fake = FakeModel::start(votes("SAFE", "CLEAR", &[]));
    let alone = round_of(vec![config("a", ModelApi::OpenAi, &fake.openai_url())]).await.ruling;
    assert_eq!(model_ballots(&alone).len(), 2, "one model sits on both panels");
    assert!(alone.rationale.ends_with("both panels share the model family a"), "{}", alone.rationale);
    let two = ["a", "b"].map(|id| config(id, ModelApi::OpenAi, &fake.openai_url()));
    let fresh = round_of(two.into()).await.ruling;
    assert_eq!(model_ballots(&fresh).len(), 2);
    let expect = "both panels found no concern; of the models 1 of 1 voted on the first panel and 1 of 1 on the second";
    assert_eq!(fresh.rationale, expect);
}

#[test]
fn seats_follow_from_the_configuration() {
    let check = |models: &[(&str, &str, Panels)], first: &[usize], second: &[usize]| {
        let configs: Vec<ModelConfig> = models
            .iter()
            .map(|&(id, family, panels)| ModelConfig {
                family: family.to_owned(),
                panels,
                ..config(id, ModelApi::OpenAi, "https://models.example/v1")
            })
            .collect();
        let expect = Seating { first: first.to_vec(), second: second.to_vec() };
        assert_eq!(seat(&configs), expect, "{models:?}");
    };
    use Panels::{Either, One, Two};
    check(&[], &[], &[]);
    check(&[("a", "x", Either)], &[0], &[0]);
    check(&[("a", "x", One)], &[0], &[]);
    check(&[("a", "x", Either), ("b", "y", Either)], &[0], &[1]);
    check(&[("a", "x", Either), ("b", "x", Either), ("c", "y", Either)], &[0, 1], &[2]);
    check(&[("a", "x", Either), ("b", "y", Either), ("c", "z", Either)], &[0, 2], &[1]);
    check(&[("a", "x", Either), ("b", "x", Two), ("c", "y", Either)], &[2], &[0, 1]);
    check(&[("a", "x", One), ("b", "x", Either), ("c", "x", Two)], &[0, 1], &[2]);
    check(&[("a", "x", One), ("b", "x", Two)], &[0], &[1]);
}

#[test]
fn configurations_that_do_not_hold_are_refused() {
    let check = |change: fn(&mut ModelConfig), expect: &str| {
        let mut one = config("a", ModelApi::OpenAi, "https://models.example/v1");
        change(&mut one);
        let error = Council::new(vec![one], 1).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(!error.contains(SECRET));
    };
    check(|one| one.id = "A b".to_owned(), "expected 1 to 40 of a-z");
    check(|one| one.base_url = "http://models.example/".parse().unwrap(), "got http, expected https");
    check(|one| one.base_url = "http://127.0.0.1.example/".parse().unwrap(), "got http, expected https");
    check(|one| one.base_url = "ftp://models.example/".parse().unwrap(), "another scheme");
    check(|one| one.base_url = "https://me:sk-very-secret@models.example/".parse().unwrap(), "a user or a password");
    check(|one| one.base_url = "https://models.example/?key=sk-very-secret".parse().unwrap(), "a query");
    let plain = |one: &mut ModelConfig| {
        one.base_url = "http://127.0.0.1:1/".parse().unwrap();
        one.allow_http_on_loopback = false;
    };
    check(plain, "got http, expected https");
    check(|one| one.timeout = Duration::ZERO, "timeout = 0");
    check(|one| one.max_tokens = 1, "max_tokens = 1");
    check(|one| one.family = String::new(), "family");
    assert_eq!(ApiKey::new("a\nb").unwrap_err(), ModelError::Key);
    assert_eq!(ApiKey::new("\n").unwrap_err(), ModelError::Key);
    let twice = vec![config("a", ModelApi::OpenAi, "https://models.example/v1"); 2];
    assert_eq!(Council::new(twice, 1).unwrap_err(), ModelError::Id("a".to_owned()));
}
