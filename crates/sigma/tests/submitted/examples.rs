//! The examples of this repository, from a git host to a certificate: on the command line, and through the API of a service that
//! reviews them itself. The pages of the API are what the published schemas say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sigma_testkit::NpmTarball;

use super::*;

/// What stands in for the real packages of the server: as much of their interface as it uses.
const SERVER: &str = r#"
export class McpServer {
  constructor(info) { this.info = info; this.tools = new Map(); }
  tool(name, description, shape, run) { this.tools.set(name, { description, shape, run }); }
  async connect(transport) { transport.start((message) => this.answer(message)); }
  async answer({ id, method, params }) {
    return id === undefined ? undefined : { jsonrpc: "2.0", id, result: await this.result(method, params) };
  }
  async result(method, params) {
    if (method === "initialize") {
      return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: this.info };
    }
    if (method === "tools/call") return this.tools.get(params.name).run(params.arguments);
    const tools = [...this.tools].map(([name, { description, shape }]) => {
      const properties = Object.fromEntries(Object.keys(shape).map((key) => [key, { type: "string" }]));
      return { name, description, inputSchema: { type: "object", properties, required: Object.keys(shape) } };
    });
    return method === "tools/list" ? { tools } : {};
  }
}
"#;
const STDIO: &str = r#"
export class StdioServerTransport {
  start(answer) {
    let text = "";
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", async (piece) => {
      const lines = (text + piece).split("\n");
      text = lines.pop();
      for (const line of lines) {
        const reply = await answer(JSON.parse(line));
        if (reply) process.stdout.write(JSON.stringify(reply) + "\n");
      }
    });
  }
}
"#;

fn packages(scene: &Scene) {
    scene.eco.pypi.add(Wheel::new("requests", "2.32.3").file("requests/__init__.py", REQUESTS).build());
    let module = json!({"type": "module"});
    let sdk = NpmTarball::new("@modelcontextprotocol/sdk", "1.17.4").package_json(module.clone());
    scene.eco.npm.add(sdk.file("server/mcp.js", SERVER).file("server/stdio.js", STDIO).build());
    let zod = NpmTarball::new("zod", "3.25.76").package_json(json!({"type": "module", "exports": "./index.js"}));
    scene
        .eco
        .npm
        .add(zod.file("index.js", "export const z = { string: () => ({ max() { return this; } }) };\n").build());
}

/// An example: its category, its entry point, and the version of its certificate.
const GOOD: [(&str, &str, &str, u64); 3] = [
    ("weather-skill", "SKILL+CODE+PACKAGES", "main.py", 4),
    ("notes-server", "CODE+PACKAGES", "server.js", 4),
    ("hash-tool", "CODE", "main.py", 3),
];

/// Whether Node.js is there; `./test` installs it.
fn has_node() -> bool {
    Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn good() -> impl Iterator<Item = (&'static str, &'static str, &'static str, u64)> {
    let node = has_node();
    if !node {
        eprintln!("SKIPPED on this machine: there is no Node.js for notes-server");
    }
    GOOD.into_iter().filter(move |(_, _, entry, _)| node || !entry.ends_with(".js"))
}

/// What every certificate of a good example says, wherever it is read.
fn certified(name: &str, certificate: &Value, version: u64) {
    assert_eq!(certificate["certificateSchemaVersion"], version, "{name}: {certificate:#}");
    assert_eq!(certificate["councilVerdict"], "APPROVED", "{name}: {certificate:#}");
    assert_ne!(certificate["review"]["securityLevel"], "BLOCKED", "{name}: {certificate:#}");
    let execution = &certificate["codeReview"]["execution"];
    assert_eq!(
        (&execution["status"], &execution["sandboxTier"]),
        (&json!("completed"), &json!("namespaces")),
        "{execution:#}"
    );
    if name == "notes-server" {
        let exercised = execution["exercised"].to_string();
        assert!(
            exercised.contains("add_note") && exercised.contains("find_notes"),
            "both tools are called: {execution:#}"
        );
    }
}

#[test]
fn every_example_is_certified_from_the_command_line() {
    let scene = Scene::new();
    packages(&scene);
    for (name, category, entry, version) in good() {
        let url = scene.example(name);
        let submit = ["submit", "--repo", &url, "--category", category, "--entry", entry, "--format", "json"];
        let ran = scene.run(&submit);
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.out, ran.err);
        certified(name, &ran.json(), version);
    }
}

/// `sigma serve` with its worker. It ends with the test.
struct Service {
    child: Child,
    address: String,
    token: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(scene: &Scene) -> Self {
        assert_eq!(scene.run(&["worker", "--until-idle"]).code, Some(0), "the store begins");
        let ran = scene.run(&["token", "create", "--owner", "ann", "--scope", "read", "--scope", "submit"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let token = ran.out.trim().to_owned();
        let mut serve = scene.command(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut child = serve.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let listens = |line: String| {
            let log: Value = serde_json::from_str(&line).ok()?;
            log["fields"]["server.address"].as_str().map(str::to_owned)
        };
        let address = lines.find_map(listens).expect("it listens");
        // Whoever writes to a closed pipe fails.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, token }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             idempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            path.replace('/', "-"),
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
    }

    /// Submits a repository, and gives the submission when it has ended.
    fn submit(&self, url: &str, category: &str, entry: &str) -> Value {
        let repository = json!({"url": url, "ref": "main", "category": category, "entry": entry});
        let (status, draft) = self.ask("POST", "sigma/dev/drafts", &json!({ "repository": repository }).to_string());
        assert_eq!(status, 201, "{draft:#}");
        let path = format!("sigma/dev/drafts/{}/submit", draft["draftId"].as_str().unwrap());
        let (status, submitted) = self.ask("POST", &path, "");
        assert_eq!(status, 202, "{submitted:#}");
        let path = format!("sigma/dev/submissions/{}", submitted["submissionId"].as_str().unwrap());
        let patience = Instant::now() + Duration::from_secs(240);
        loop {
            let (_, shown) = self.ask("GET", &path, "");
            if shown["isFinal"] == true {
                return shown;
            }
            assert!(Instant::now() < patience, "{shown:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The id of the newest certificate of a submission.
    fn newest(&self) -> String {
        let (_, list) = self.ask("GET", "sigma/dev/submissions?limit=1", "");
        let submission = list["items"][0]["submissionId"].as_str().unwrap();
        let (_, shown) = self.ask("GET", &format!("sigma/dev/submissions/{submission}"), "");
        shown["certificate"]["certificateId"].as_str().unwrap().to_owned()
    }

    /// The page of a certificate, which is what its schema says.
    fn page(&self, id: &Value) -> Value {
        let (status, page) = self.ask("GET", &format!("public/certificates/{}", id.as_str().unwrap()), "");
        assert_eq!(status, 200, "{page:#}");
        let version = &page["certificateSchemaVersion"];
        let schema =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/certificate-{version}.schema.json"));
        let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&page).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{page:#}");
        page
    }
}

#[test]
fn every_example_is_certified_through_the_api_and_the_malicious_one_is_blocked() {
    let scene = Scene::new();
    packages(&scene);
    let service = Service::start(&scene);
    for (name, category, entry, version) in good() {
        let shown = service.submit(&scene.example(name), category, entry);
        assert_eq!(shown["state"], "certified", "{name}: {shown:#}");
        let page = service.page(&shown["result"]["certificateId"]);
        certified(name, &page, version);
        // A checkout has the hash that is certified.
        let hash = scene.run(&["hash", example(name).to_str().unwrap()]);
        let certified = page["codeReview"]["sourceIntegrity"]["codeFilesHash"].as_str().unwrap();
        assert!(hash.out.contains(certified), "{name}: {}", hash.out);
    }
    // An operator has the last one looked at again: it is run once more, and the new certificate stands in the place of the old.
    let old = service.newest();
    let reaudit = ["certificate", "reaudit", &old, "--reason", "look again", "--by", "ada"];
    assert_eq!(scene.run(&reaudit).code, Some(0));
    let patience = Instant::now() + Duration::from_secs(120);
    let renewed = loop {
        let (_, live) = service.ask("GET", &format!("public/certificates/{old}/live-status"), "");
        if live["replacedBy"].is_string() {
            break live["replacedBy"].clone();
        }
        assert!(Instant::now() < patience, "{live:#}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let page = service.page(&renewed);
    certified("hash-tool", &page, 3);
    assert_eq!(page["supersedes"], old.as_str());

    let shown = service.submit(&scene.example("stealing-skill"), "SKILL+CODE", "main.py");
    assert_eq!(shown["state"], "rejected", "{shown:#}");
    let page = service.page(&shown["result"]["certificateId"]);
    assert_eq!(page["review"]["securityLevel"], "BLOCKED");
    let errors = page["review"]["retainedErrors"].to_string();
    assert!(errors.contains("credential-exfiltration"), "the reason is told: {errors}");
}
