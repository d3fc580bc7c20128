//! The two languages of endpoints: how a question is put, and where the answer stands.
//!
//! In: a prompt, or the bytes of an answer. Out: the body of a request, or the text that the model wrote. The envelope may
//! have fields that nobody knows, because vendors add them; what the model wrote may not (`answer.rs`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::abstention::Abstention;
use super::config::{ModelApi, ModelConfig};

/// What the endpoint says that the model wrote, and what it counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub text: String,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
}

impl ModelApi {
    /// The path below the base address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "chat/completions",
            Self::Anthropic => "v1/messages",
        }
    }

    /// The body of the request: one turn, temperature 0, an answer by schema.
    pub(super) fn body(self, config: &ModelConfig, system: &str, user: &str, (name, schema): (&str, Value)) -> Value {
        match self {
            // https://platform.openai.com/docs/api-reference/chat/create
            Self::OpenAi => json!({
                "model": config.model,
                "temperature": 0,
                "max_tokens": config.max_tokens,
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": name, "strict": true, "schema": schema},
                },
            }),
            // https://platform.claude.com/docs/en/build-with-claude/structured-outputs
            Self::Anthropic => json!({
                "model": config.model,
                "temperature": 0,
                "max_tokens": config.max_tokens,
                "system": system,
                "messages": [{"role": "user", "content": user}],
                "output_config": {"format": {"type": "json_schema", "schema": schema}},
            }),
        }
    }

    /// What the model wrote, or why that is no vote; beside it what the endpoint counted, which costs either way.
    pub(super) fn read(self, body: &[u8]) -> (Written, Result<(), Abstention>) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return (Written::default(), Err(Abstention::NotJson));
        };
        let read = match self {
            Self::OpenAi => serde_json::from_value(value).map(Completion::read),
            Self::Anthropic => serde_json::from_value(value).map(Message::read),
        };
        read.unwrap_or_else(|_| (Written::default(), Err(Abstention::OtherEnvelope)))
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<CompletionUsage>,
}

#[derive(Deserialize)]
struct Choice {
    message: ChoiceMessage,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChoiceMessage {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct CompletionUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl Completion {
    fn read(self) -> (Written, Result<(), Abstention>) {
        let counted = |text: String| Written {
            text,
            input_tokens: self.usage.as_ref().map(|usage| usage.prompt_tokens),
            output_tokens: self.usage.as_ref().map(|usage| usage.completion_tokens),
        };
        let [choice] = self.choices.as_slice() else {
            return (counted(String::new()), Err(Abstention::OtherEnvelope));
        };
        let text = choice.message.content.clone().unwrap_or_default();
        let refused = choice.message.refusal.as_ref().is_some_and(|text| !text.is_empty());
        let verdict = match choice.finish_reason.as_deref() {
            _ if refused => Err(Abstention::Refusal),
            Some("content_filter") => Err(Abstention::Refusal),
            Some("length") => Err(Abstention::CutOff),
            Some("stop") => Ok(()),
            _ => Err(Abstention::OtherEnvelope),
        };
        (counted(text), verdict)
    }
}

#[derive(Deserialize)]
struct Message {
    content: Vec<Block>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<MessageUsage>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct MessageUsage {
    input_tokens: u64,
    output_tokens: u64,
}

impl Message {
    fn read(self) -> (Written, Result<(), Abstention>) {
        let mut texts = self.content.iter().filter(|block| block.kind == "text");
        let text = texts.next().and_then(|block| block.text.clone());
        let verdict = match self.stop_reason.as_deref() {
            Some("refusal") => Err(Abstention::Refusal),
            Some("max_tokens") => Err(Abstention::CutOff),
            Some("end_turn" | "stop_sequence") if text.is_some() && texts.next().is_none() => Ok(()),
            _ => Err(Abstention::OtherEnvelope),
        };
        let written = Written {
            text: text.unwrap_or_default(),
            input_tokens: self.usage.as_ref().map(|usage| usage.input_tokens),
            output_tokens: self.usage.as_ref().map(|usage| usage.output_tokens),
        };
        (written, verdict)
    }
}
