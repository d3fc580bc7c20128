//! Speaks to a server of the Model Context Protocol over its standard input and output: initialize, list the tools, call
//! each with arguments that its schema allows. One JSON-RPC message a line (specification of 2025-06-18, "stdio").
//!
//! What the server says is hostile: lines, tools and answers are bounded, and nothing of it is followed.

use std::collections::VecDeque;

use serde_json::{Value, json};
use sigma_core::{Exercise, printable};

use super::sample;

/// The longest line that is read, bytes.
const LINE: usize = 1 << 20;
/// Tools that are called.
const TOOLS: usize = 50;
/// Pages of the list that are asked for.
const PAGES: u32 = 5;

enum Step {
    Initialize,
    List,
    Call,
    Done,
}

/// One conversation.
pub struct Client {
    step: Step,
    /// The number of the request that waits for an answer.
    waiting: u64,
    pages: u32,
    line: Vec<u8>,
    overlong: bool,
    tools: VecDeque<(String, Value)>,
    now: String,
    told: Vec<Exercise>,
}

impl Client {
    pub fn new() -> Self {
        Self {
            step: Step::Initialize,
            waiting: 0,
            pages: 0,
            line: Vec::new(),
            overlong: false,
            tools: VecDeque::new(),
            now: String::new(),
            told: Vec::new(),
        }
    }

    fn request(&mut self, method: &str, params: Value) -> Vec<u8> {
        self.waiting += 1;
        line(&json!({ "jsonrpc": "2.0", "id": self.waiting, "method": method, "params": params }))
    }

    /// The first message.
    pub fn hello(&mut self) -> Vec<u8> {
        let client = json!({ "name": "sigma-sandbox", "version": env!("CARGO_PKG_VERSION") });
        self.request("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client }))
    }

    /// Takes output of the server; gives what to write to it.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.overlong |= self.line.len() >= LINE;
                if !self.overlong {
                    self.line.push(*byte);
                }
                continue;
            }
            let whole = std::mem::take(&mut self.line);
            if !std::mem::take(&mut self.overlong) {
                // Servers log to standard output too; what is no message is passed over.
                if let Ok(message) = serde_json::from_slice::<Value>(&whole) {
                    out.extend(self.message(&message));
                }
            }
        }
        out
    }

    fn message(&mut self, message: &Value) -> Vec<u8> {
        let id = message.get("id");
        if message.get("method").is_some() {
            // A request of the server: there is nothing that it could ask of this client.
            let refusal = |id| {
                line(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "not supported" } }))
            };
            let plain = id.filter(|id| id.is_number() || id.as_str().is_some_and(|id| id.len() < 100));
            return plain.map(refusal).unwrap_or_default();
        }
        if id.and_then(Value::as_u64) != Some(self.waiting) {
            return Vec::new();
        }
        let error = message.get("error").map(|error| {
            let text = error.get("message").and_then(Value::as_str).unwrap_or("no message");
            format!("answered with an error: {}", printable(text, 120))
        });
        let result = message.get("result").cloned().unwrap_or_default();
        match self.step {
            Step::Initialize => {
                self.tell("asked to initialize".to_owned(), error.clone().unwrap_or_else(|| "answered".to_owned()));
                if error.is_some() {
                    self.step = Step::Done;
                    return Vec::new();
                }
                self.step = Step::List;
                let mut out = line(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
                out.extend(self.request("tools/list", json!({})));
                out
            }
            Step::List => {
                let tools = result.get("tools").and_then(Value::as_array).cloned().unwrap_or_default();
                let room = TOOLS.saturating_sub(self.tools.len());
                let named = tools.iter().filter_map(|tool| {
                    let schema = tool.get("inputSchema").cloned().unwrap_or_default();
                    Some((tool.get("name")?.as_str()?.to_owned(), schema))
                });
                self.tools.extend(named.take(room));
                self.pages += 1;
                if let (Some(cursor), true) = (result.get("nextCursor").and_then(Value::as_str), self.pages < PAGES) {
                    return self.request("tools/list", json!({ "cursor": cursor }));
                }
                let outcome = error.unwrap_or_else(|| format!("answered: {} tools", self.tools.len()));
                self.tell("asked for its tools".to_owned(), outcome);
                self.call()
            }
            Step::Call => {
                let failed = result.get("isError").and_then(Value::as_bool) == Some(true);
                let outcome = match (error, failed) {
                    (Some(error), _) => error,
                    (None, true) => "answered: the tool failed".to_owned(),
                    (None, false) => "answered".to_owned(),
                };
                let now = std::mem::take(&mut self.now);
                self.tell(now, outcome);
                self.call()
            }
            Step::Done => Vec::new(),
        }
    }

    fn call(&mut self) -> Vec<u8> {
        let Some((name, schema)) = self.tools.pop_front() else {
            self.step = Step::Done;
            return Vec::new();
        };
        self.step = Step::Call;
        let arguments = sample::value(&schema);
        self.now = format!("called the tool {} with {}", printable(&name, 80), printable(&arguments.to_string(), 200));
        self.request("tools/call", json!({ "name": name, "arguments": arguments }))
    }

    fn tell(&mut self, what: String, outcome: String) {
        self.told.push(Exercise { what, outcome });
    }

    /// Whether everything was asked and answered.
    pub fn is_done(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    /// What was done. A question that was never answered is told too.
    pub fn exercises(&mut self) -> Vec<Exercise> {
        let open = match self.step {
            Step::Initialize => Some("asked to initialize".to_owned()),
            Step::List => Some("asked for its tools".to_owned()),
            Step::Call => Some(std::mem::take(&mut self.now)),
            Step::Done => None,
        };
        if let Some(what) = open {
            self.tell(what, "not answered".to_owned());
        }
        let left = self.tools.len();
        if left > 0 {
            self.tell(format!("{left} more tools"), "not called".to_owned());
        }
        std::mem::take(&mut self.told)
    }
}

fn line(message: &Value) -> Vec<u8> {
    let mut out = message.to_string().into_bytes();
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_spoken_to() {
        let mut client = Client::new();
        let first = String::from_utf8(client.hello()).expect("text");
        assert!(first.contains("\"initialize\"") && first.ends_with('\n'));
        let say = |client: &mut Client, message: Value| {
            let out = client.hear(format!("{message}\n").as_bytes());
            String::from_utf8(out).expect("text")
        };
        assert_eq!(client.hear(b"a line of a log\n"), b"");
        let out = say(&mut client, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
        assert!(out.contains("notifications/initialized") && out.contains("tools/list"), "{out}");
        let schema = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
        let tools = json!([{ "name": "add", "inputSchema": schema }, { "name": "bad" }]);
        let out = say(&mut client, json!({ "jsonrpc": "2.0", "id": 2, "result": { "tools": tools } }));
        assert!(out.contains("\"arguments\":{\"n\":1}"), "{out}");
        // A ping of the server, and an answer to something else, change nothing.
        assert!(say(&mut client, json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" })).contains("-32601"));
        assert_eq!(say(&mut client, json!({ "jsonrpc": "2.0", "id": 99, "result": {} })), "");
        say(&mut client, json!({ "jsonrpc": "2.0", "id": 3, "result": { "content": [] } }));
        assert!(!client.is_done());
        say(&mut client, json!({ "jsonrpc": "2.0", "id": 4, "error": { "code": 1, "message": "no\u{1b}[31m" } }));
        assert!(client.is_done());
        let told: Vec<String> = client.exercises().into_iter().map(|e| format!("{}: {}", e.what, e.outcome)).collect();
        assert_eq!(
            told,
            [
                "asked to initialize: answered",
                "asked for its tools: answered: 2 tools",
                "called the tool add with {\"n\":1}: answered",
                "called the tool bad with {}: answered with an error: no\\u{1b}[31m",
            ]
        );
    }

    #[test]
    fn a_silent_or_endless_server_is_told() {
        let mut client = Client::new();
        client.hello();
        client.hear(&vec![b'x'; 3 * LINE]);
        assert!(client.line.len() <= LINE);
        assert_eq!(client.exercises()[0].outcome, "not answered");
    }
}
