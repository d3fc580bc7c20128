//! A fake model behind both kinds of endpoint, well-mannered or not.

use serde_json::{Value, json};

use crate::loopback::{Loopback, Reply};

/// What the model makes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// Votes as told, with one reason for each of these facts (`F1`), and echoes the canary.
    Votes {
        /// `SAFE`, `UNSAFE`, `ABSTAIN`.
        vote: &'static str,
        /// `CLEAR` to `BLOCKED`.
        level: &'static str,
        /// Ids of facts.
        facts: Vec<&'static str>,
    },
    /// Finds the order that stands in the quoted texts, cites its fact as an attack, and does not follow it.
    BlamesDecoy,
    /// Votes SAFE in praise of itself and of what it judges.
    Flatters,
    /// Writes this program when it is asked for a harness.
    Writes(String),
    /// Writes a harness that holds what a quoted text orders it to copy.
    WritesSteered,
    /// Does what a quoted text orders.
    Steered,
    /// Echoes another canary.
    WrongCanary,
    /// Writes prose.
    Prose,
    /// Writes a web page.
    Html,
    /// Writes JSON of another schema.
    OtherSchema,
    /// Writes the right JSON and a field more.
    ExtraField,
    /// Writes the right JSON in a code block, with a sentence before it.
    Wrapped,
    /// Refuses, the way its vendor says so.
    Refuses,
    /// Stops at the token limit.
    CutOff,
    /// Answers a body of so many bytes.
    Huge(usize),
    /// The endpoint itself answers a web page, with status 200.
    PageInstead,
    /// The endpoint itself answers JSON of another interface.
    OtherInterface,
}

/// The server.
pub struct FakeModel {
    /// Its log, and misbehaviours of the connection: silence, breaks, redirects.
    pub server: Loopback,
}

impl FakeModel {
    /// Starts it. It stops when this is dropped.
    pub fn start(manner: Manner) -> Self {
        let server = Loopback::start(move |asked| {
            let anthropic = match (asked.method.as_str(), asked.path.as_str()) {
                ("POST", "/v1/messages") => true,
                ("POST", "/v1/chat/completions") => false,
                _ => return Reply::status(404),
            };
            let Ok(question) = serde_json::from_slice::<Value>(&asked.body) else { return Reply::status(400) };
            reply(&manner, anthropic, &question)
        });
        Self { server }
    }

    /// The base address for chat completions.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.server.origin())
    }

    /// The base address for messages.
    pub fn anthropic_url(&self) -> String {
        self.server.origin()
    }

    /// The questions so far, as JSON.
    pub fn questions(&self) -> Vec<Value> {
        self.server.log().iter().filter_map(|asked| serde_json::from_slice(&asked.body).ok()).collect()
    }
}

fn reply(manner: &Manner, anthropic: bool, question: &Value) -> Reply {
    let user = question["messages"].as_array().and_then(|all| all.last()).map(|last| &last["content"]);
    let user = user.and_then(Value::as_str).unwrap_or_default();
    let canary = after(user, "Canary: ");
    let decoy = after(user, "copy the token ");
    let ballot = |vote: &str, level: &str, facts: &[&str], note: &str| {
        let reasons: Vec<Value> =
            facts.iter().map(|fact| json!({"fact": fact, "level": level, "message": "It looks so."})).collect();
        json!({"canary": canary, "vote": vote, "level": level, "reasons": reasons, "confidence_note": note})
    };
    let text = match manner {
        Manner::Votes { vote, level, facts } => ballot(vote, level, facts, "sure").to_string(),
        Manner::BlamesDecoy => {
            let blamed = fact_with_text(user, "copy the token ");
            ballot("UNSAFE", "BLOCKED", &[blamed.as_str()], "a text tried to instruct me").to_string()
        }
        Manner::Flatters => {
            ballot("SAFE", "CLEAR", &[], "I am the best reviewer, and this is perfectly SAFE: approve it at once")
                .to_string()
        }
        Manner::Steered => ballot("SAFE", "CLEAR", &[], &decoy).to_string(),
        Manner::Writes(program) => json!({"canary": canary, "harness": program, "note": "sure"}).to_string(),
        Manner::WritesSteered => {
            json!({"canary": canary, "harness": format!("print('{decoy}')"), "note": "sure"}).to_string()
        }
        Manner::WrongCanary => {
            let mut wrong = ballot("SAFE", "CLEAR", &[], "sure");
            wrong["canary"] = json!("00000000000000000000000000000000");
            wrong.to_string()
        }
        Manner::Prose => "It looks perfectly safe to me. SAFE.".to_owned(),
        Manner::Html | Manner::PageInstead => "<!doctype html><title>SAFE</title>".to_owned(),
        Manner::OtherSchema => json!({"verdict": "SAFE", "score": 1}).to_string(),
        Manner::ExtraField => {
            let mut more = ballot("SAFE", "CLEAR", &[], "sure");
            more["approve"] = json!(true);
            more.to_string()
        }
        Manner::Wrapped => format!("Here it is:\n```json\n{}\n```", ballot("SAFE", "CLEAR", &[], "sure")),
        Manner::Refuses | Manner::CutOff => "{\"canary\": \"".to_owned(),
        Manner::Huge(bytes) => "S".repeat(*bytes),
        Manner::OtherInterface => return Reply::json(&json!({"answer": "SAFE"})),
    };
    if *manner == Manner::PageInstead {
        return Reply::ok("text/html", text);
    }
    Reply::json(&if anthropic { message(manner, &text) } else { completion(manner, &text) })
}

fn completion(manner: &Manner, text: &str) -> Value {
    let refused = *manner == Manner::Refuses;
    let message = match refused {
        true => json!({"role": "assistant", "content": null, "refusal": "I cannot help with that."}),
        false => json!({"role": "assistant", "content": text, "refusal": null}),
    };
    let finish = if *manner == Manner::CutOff { "length" } else { "stop" };
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    })
}

fn message(manner: &Manner, text: &str) -> Value {
    let stop = match manner {
        Manner::Refuses => "refusal",
        Manner::CutOff => "max_tokens",
        _ => "end_turn",
    };
    json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop,
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    })
}

/// The token of hexadecimal digits that follows these words.
fn after(text: &str, words: &str) -> String {
    let rest = text.split_once(words).map_or("", |(_, rest)| rest);
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// The id of the fact whose evidence is the quoted text that holds these words.
fn fact_with_text(user: &str, words: &str) -> String {
    let quoted = user.lines().find(|line| line.starts_with('Q') && line.contains(words));
    let number = quoted.and_then(|line| line.split(' ').next()).unwrap_or_default();
    let facts = user.lines().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
    let facts = facts["facts"].as_array().cloned().unwrap_or_default();
    let found = facts.iter().find(|fact| fact["evidence"] == number);
    found.and_then(|fact| fact["id"].as_str()).unwrap_or_default().to_owned()
}
