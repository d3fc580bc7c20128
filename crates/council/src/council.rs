//! The council with models on it: who sits where, what may be spent, and one round from the dossier to the ruling.
//!
//! In: configured models and a budget, then dossiers. Out: rulings, and the transcripts with which a round can be repeated.
//! Without models it does no input and output at all, and rules as [`crate::deliberate`] and [`crate::deliberate_code`] do.

use sigma_core::{Ballot, CodeDossier, Dossier, ModelSeat, Phase, Ruling, SecurityLevel, Sha256, Vote};

use crate::model::{Abstention, Judged, Model, ModelConfig, ModelError, Written, judge, schema};
use crate::prompt::{Prompt, Tokens, about_code, about_package};
use crate::seating::{Seating, seat};
use crate::{ballots, rule, validators};

/// Most models of one council.
const MAX_MODELS: usize = 16;

/// Embedded seats, and model seats by configuration.
#[derive(Debug)]
pub struct Council {
    models: Vec<Model>,
    seating: Seating,
    /// Most that a round may cost, in millionths of a US dollar.
    budget: u64,
}

/// A round and what it takes to repeat it.
#[derive(Debug)]
pub struct Round {
    /// The outcome.
    pub ruling: Ruling,
    /// What models were asked and what they answered; none for those that were not asked.
    pub transcripts: Vec<Transcript>,
}

/// What one model was asked, and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The validator's id, as on its ballot.
    pub validator: String,
    /// The panel.
    pub phase: Phase,
    /// SHA-256 of `request`, as on the ballot.
    pub prompt_sha256: Sha256,
    /// The body of the request, whole: sent again, it puts the same question. It holds no key.
    pub request: Vec<u8>,
    /// What came back, at most 256 KiB of hostile bytes; nothing where nothing did.
    pub answer: Option<Vec<u8>>,
}

impl Council {
    /// The embedded seats alone.
    pub fn embedded() -> Self {
        Self { models: Vec::new(), seating: Seating::default(), budget: 0 }
    }

    /// A council with these models, of which one round costs at most `budget_micro_usd` millionths of a US dollar.
    ///
    /// # Errors
    /// When a configuration does not hold.
    pub fn new(models: Vec<ModelConfig>, budget_micro_usd: u64) -> Result<Self, ModelError> {
        if models.len() > MAX_MODELS {
            return Err(ModelError::TooMany(models.len()));
        }
        for (index, model) in models.iter().enumerate() {
            if models.iter().take(index).any(|other| other.id == model.id) {
                return Err(ModelError::Id(model.id.clone()));
            }
        }
        let seating = seat(&models);
        let models = models.into_iter().map(Model::new).collect::<Result<_, _>>()?;
        Ok(Self { models, seating, budget: budget_micro_usd })
    }

    /// Lets all seats vote on a package and rules; with the transcripts.
    pub async fn round(&self, dossier: &Dossier) -> Round {
        let cast = ballots(validators::package::PANEL, dossier);
        self.hear(cast, |ballots, phase, tokens| about_package(dossier, ballots, phase, tokens)).await
    }

    /// Lets all seats vote on a submission of code and rules; with the transcripts.
    pub async fn round_code(&self, dossier: &CodeDossier) -> Round {
        let cast = ballots(validators::code::PANEL, dossier);
        self.hear(cast, |ballots, phase, tokens| about_code(dossier, ballots, phase, tokens)).await
    }

    async fn hear(&self, embedded: Vec<Ballot>, ask: impl Fn(&[Ballot], Phase, Tokens) -> Prompt) -> Round {
        let (mut all, mut transcripts) = (embedded.clone(), Vec::new());
        let mut left = self.budget;
        for (phase, seated) in [(Phase::One, &self.seating.first), (Phase::Two, &self.seating.second)] {
            let mut questions = Vec::new();
            for model in seated.iter().filter_map(|index| self.models.get(*index)) {
                // What a question may cost is set aside before it is asked, in the order of the configuration.
                let prompt =
                    Tokens::fresh().map(|tokens| ask(&embedded, phase, tokens)).ok_or(Abstention::NoRandomness);
                let question = prompt.and_then(|prompt| Question::new(model, prompt, &mut left));
                questions.push(async move {
                    match question {
                        Ok(question) => question.put(model, phase).await,
                        Err(abstention) => (Spent::nothing().abstain(model, phase, None, &abstention), None, 0),
                    }
                });
            }
            for (ballot, transcript, refund) in futures::future::join_all(questions).await {
                all.push(ballot);
                transcripts.extend(transcript);
                left = left.saturating_add(refund);
            }
        }
        Round { ruling: rule(&all), transcripts }
    }
}

/// A question that the budget covers.
struct Question {
    prompt: Prompt,
    request: Vec<u8>,
    /// The most it can cost: a token is at least one byte of the request, and the answer is bounded in tokens.
    reserved: u64,
}

/// What asking took, as far as it is known.
struct Spent {
    written: Written,
    cost: u64,
}

impl Question {
    fn new(model: &Model, prompt: Prompt, left: &mut u64) -> Result<Self, Abstention> {
        let request = model.question(&prompt.system, &prompt.user, ("ballot", schema()));
        let reserved = model.config.cost(request.len() as u64, model.config.max_tokens.into());
        if reserved > model.config.max_cost_micro_usd || reserved > *left {
            return Err(Abstention::OverBudget);
        }
        *left -= reserved;
        Ok(Self { prompt, request, reserved })
    }

    /// Asks; the ballot, the transcript, and what of the reserve was not spent.
    async fn put(self, model: &Model, phase: Phase) -> (Ballot, Option<Transcript>, u64) {
        let prompt_sha256 = Sha256::of(&self.request);
        let answer = model.ask(self.request.clone()).await;
        let (spent, outcome) = match &answer {
            Ok(bytes) => {
                let (written, readable) = model.read(bytes);
                let cost = match (written.input_tokens, written.output_tokens) {
                    (Some(input), Some(output)) => model.config.cost(input, output),
                    _ => self.reserved,
                };
                let who = model.config.id.as_str();
                let outcome = readable.and_then(|()| judge(written.text.trim(), &self.prompt, who));
                (Spent { written, cost }, outcome)
            }
            Err(abstention) => {
                let cost = if abstention.is_free() { 0 } else { self.reserved };
                (Spent { written: Written::default(), cost }, Err(abstention.clone()))
            }
        };
        let refund = self.reserved.saturating_sub(spent.cost);
        let ballot = match outcome {
            Ok(judged) => spent.vote(model, phase, prompt_sha256, judged),
            Err(abstention) => spent.abstain(model, phase, Some(prompt_sha256), &abstention),
        };
        let validator = ballot.validator.clone();
        let transcript = Transcript { validator, phase, prompt_sha256, request: self.request, answer: answer.ok() };
        (ballot, Some(transcript), refund)
    }
}

impl Spent {
    fn nothing() -> Self {
        Self { written: Written::default(), cost: 0 }
    }

    fn vote(&self, model: &Model, phase: Phase, prompt: Sha256, judged: Judged) -> Ballot {
        let Judged { vote, level, reasons } = judged;
        Ballot { vote, level, reasons, ..self.blank(model, phase, Some(prompt)) }
    }

    fn abstain(&self, model: &Model, phase: Phase, prompt: Option<Sha256>, why: &Abstention) -> Ballot {
        Ballot { reasons: vec![why.reason()], ..self.blank(model, phase, prompt) }
    }

    fn blank(&self, model: &Model, phase: Phase, prompt_sha256: Option<Sha256>) -> Ballot {
        let config = &model.config;
        let seat = ModelSeat {
            model: config.model.clone(),
            family: config.family.clone(),
            prompt_sha256,
            input_tokens: self.written.input_tokens,
            output_tokens: self.written.output_tokens,
            cost_micro_usd: self.cost,
        };
        Ballot {
            validator: format!("model:{}", config.id),
            phase,
            vote: Vote::Abstain,
            level: SecurityLevel::Clear,
            reasons: Vec::new(),
            model: Some(seat),
        }
    }
}

#[cfg(test)]
mod tests;
