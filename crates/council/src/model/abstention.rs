//! Why a model's answer is no vote.

use sigma_core::{Reason, SecurityLevel};

use crate::reasons::state;

/// What [`Abstention::Unreachable`] says when nothing was sent.
pub(super) const NO_CONNECTION: &str = "no connection";

/// Why a model abstains. Nothing of an answer that is no vote is repeated: it is hostile, or worthless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Abstention {
    #[error("the round's budget or the model's own limit does not cover the question")]
    OverBudget,
    #[error("the endpoint cannot be reached: {0}")]
    Unreachable(&'static str),
    #[error("no answer within {0} s")]
    Late(u64),
    #[error("the endpoint answered {0}")]
    Status(u16),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the endpoint answered no JSON")]
    NotJson,
    #[error("the endpoint's JSON is not of the shape that its interface documents")]
    OtherEnvelope,
    #[error("the answer was cut off at the token limit")]
    CutOff,
    #[error("the model refused to answer")]
    Refusal,
    #[error("the answer is prose, not JSON")]
    Prose,
    #[error("the answer is JSON of another schema")]
    OtherSchema,
    #[error("the answer contradicts itself: {0}")]
    Contradictory(&'static str),
    #[error("the answer does not echo the canary")]
    WrongCanary,
    #[error("the answer obeys an instruction inside quoted text")]
    Steered,
    #[error("the answer cites facts that it was not given")]
    UnknownFact,
    #[error("the answer says UNSAFE and cites no fact for it")]
    Unsupported,
    #[error("the model says that it cannot judge")]
    SaysSo,
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

impl Abstention {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OverBudget => "over-budget",
            Self::Unreachable(_) => "unreachable",
            Self::Late(_) => "late",
            Self::Status(_) => "http-status",
            Self::TooLong(_) => "too-long",
            Self::NotJson => "not-json",
            Self::OtherEnvelope => "other-envelope",
            Self::CutOff => "cut-off",
            Self::Refusal => "refusal",
            Self::Prose => "prose",
            Self::OtherSchema => "other-schema",
            Self::Contradictory(_) => "contradictory",
            Self::WrongCanary => "wrong-canary",
            Self::Steered => "steered",
            Self::UnknownFact => "unknown-fact",
            Self::Unsupported => "unsupported",
            Self::SaysSo => "abstains",
            Self::NoRandomness => "no-randomness",
        }
    }

    /// Whether the vendor cannot have charged for it: who was not reached, or says that it failed.
    pub fn is_free(&self) -> bool {
        matches!(self, Self::Unreachable(NO_CONNECTION) | Self::Status(_))
    }

    /// The reason on the ballot. It is about the model, not about what was judged: CLEAR, and never a warning.
    pub fn reason(&self) -> Reason {
        state(SecurityLevel::Clear, self.code(), self.to_string())
    }
}
