//! What a model may answer, and whether its answer is a vote.
//!
//! In: the text that a model wrote, and the prompt that it answers. Out: a vote with reasons, or why it is none. The text is
//! hostile: it is data, bounded and made printable, and only facts of the prompt give it weight.

use serde::Deserialize;
use serde_json::{Value, json};
use sigma_core::{Reason, SecurityLevel, Vote, printable};

use super::abstention::Abstention;
use crate::prompt::Prompt;

/// Most reasons of one answer.
const MAX_REASONS: usize = 10;

/// Longest sentence of a model that is kept, in characters.
const MAX_MESSAGE: usize = 300;

/// The whole answer. Every field is required, no other is allowed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    canary: String,
    vote: Vote,
    level: SecurityLevel,
    reasons: Vec<Given>,
    confidence_note: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    fact: String,
    level: SecurityLevel,
    message: String,
}

/// The JSON Schema of an answer, in the subset that vendors enforce while the model writes. Ranges are checked here.
pub(crate) fn schema() -> Value {
    let levels = json!(["CLEAR", "MONITORED", "CAUTION", "BLOCKED"]);
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["canary", "vote", "level", "reasons", "confidence_note"],
        "properties": {
            "canary": {"type": "string"},
            "vote": {"type": "string", "enum": ["SAFE", "UNSAFE", "ABSTAIN"]},
            "level": {"type": "string", "enum": levels},
            "reasons": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["fact", "level", "message"],
                    "properties": {
                        "fact": {"type": "string"},
                        "level": {"type": "string", "enum": levels},
                        "message": {"type": "string"},
                    },
                },
            },
            "confidence_note": {"type": "string"},
        },
    })
}

/// A vote, with its level and reasons.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub vote: Vote,
    pub level: SecurityLevel,
    pub reasons: Vec<Reason>,
}

/// Judges what a model wrote. `who` begins its sentences.
pub(crate) fn judge(text: &str, prompt: &Prompt, who: &str) -> Result<Judged, Abstention> {
    let answer: Answer = match serde_json::from_str(text) {
        Ok(answer) => answer,
        Err(_) if serde_json::from_str::<Value>(text).is_ok() => return Err(Abstention::OtherSchema),
        Err(_) => return Err(Abstention::Prose),
    };
    // Somewhere in the quoted texts stands the decoy: an order to write another token here. Who obeys it would obey any.
    if answer.confidence_note.contains(&prompt.tokens.decoy) || answer.canary.contains(&prompt.tokens.decoy) {
        return Err(Abstention::Steered);
    }
    if answer.canary != prompt.tokens.canary {
        return Err(Abstention::WrongCanary);
    }
    if answer.reasons.len() > MAX_REASONS {
        return Err(Abstention::OtherSchema);
    }
    match (answer.vote, answer.level) {
        (Vote::Abstain, _) => return Err(Abstention::SaysSo),
        (Vote::Safe, SecurityLevel::Blocked) => return Err(Abstention::Contradictory("SAFE, and BLOCKED")),
        (Vote::Unsafe, level) if level != SecurityLevel::Blocked => {
            return Err(Abstention::Contradictory("UNSAFE, and a level that certifies"));
        }
        (Vote::Safe | Vote::Unsafe, _) => {}
    }
    let mut reasons = Vec::new();
    for given in &answer.reasons {
        if given.level > answer.level {
            return Err(Abstention::Contradictory("a reason asks for more than the answer does"));
        }
        let fact = prompt.facts.get(&given.fact).ok_or(Abstention::UnknownFact)?;
        // The decoy is ours, and says nothing about what is judged.
        if fact.decoy {
            continue;
        }
        reasons.push(Reason {
            level: given.level,
            code: format!("model/{}", fact.code),
            message: format!("{who}: {}", printable(given.message.trim(), MAX_MESSAGE)),
            distribution: fact.distribution.clone(),
            location: fact.location.clone(),
            evidence: fact.evidence.clone(),
        });
    }
    reasons.sort_by(|a, b| (b.level, a).cmp(&(a.level, b)));
    reasons.dedup();
    let cited = reasons.first().map(|reason| reason.level);
    match answer.vote {
        Vote::Unsafe if cited < Some(SecurityLevel::Caution) => Err(Abstention::Unsupported),
        // A concern that no fact stands for is none.
        Vote::Safe => Ok(Judged { vote: Vote::Safe, level: cited.unwrap_or(SecurityLevel::Clear), reasons }),
        vote => Ok(Judged { vote, level: answer.level, reasons }),
    }
}
