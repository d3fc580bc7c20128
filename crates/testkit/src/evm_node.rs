//! A real EVM node of a test's own (anvil), and one that lies: it passes questions on and changes the answers.
//!
//! `crates/chain/tests/install-node` installs the node; the folder is named by `SIGMA_TEST_CHAIN`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::loopback::{Loopback, Reply};

/// What `crates/chain/tests/install-node` installed: a path below its folder. Says so where it is not there.
pub fn chain_tool(path: &str) -> Option<PathBuf> {
    let found = std::env::var_os("SIGMA_TEST_CHAIN").map(|folder| PathBuf::from(folder).join(path));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: {path} is not there; run crates/chain/tests/install-node and set SIGMA_TEST_CHAIN");
    }
    found
}

/// A native program of one of npm's packages that hold one for each kind of machine.
pub fn chain_program(name: &str) -> Option<PathBuf> {
    let folder = chain_tool("node_modules/@foundry-rs")?;
    let mut packages = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let program = packages.find_map(|package| {
        let this = package.file_name()?.to_str()?.starts_with(&format!("{name}-"));
        Some(package.join("bin").join(name)).filter(|path| this && path.exists())
    });
    if program.is_none() {
        println!("skipped: there is no {name} for this kind of machine");
    }
    program
}

/// The node. Blocks are made when the test says so. It ends when this is dropped, or the test does.
pub struct EvmNode {
    // What it reads from: closed, it ends the node.
    watcher: Child,
    address: String,
}

impl EvmNode {
    /// Starts a node of a chain on which the block before the last but one is final. None where it is not installed.
    pub fn start(chain_id: u64) -> Option<Self> {
        let program = chain_program("anvil")?;
        let mut watcher = Command::new("sh")
            .args(["-c", "\"$0\" \"$@\" & node=$!; read -r _; kill -9 $node"])
            .arg(program)
            // As the chain that is configured by default: its size of code, its base fee, its short way to finality.
            .args(["--port", "0", "--no-mining", "--accounts", "1", "--slots-in-an-epoch", "1"])
            .args([
                "--steps-tracing",
                "--code-size-limit",
                "131072",
                "--base-fee",
                "100000000000",
                "--chain-id",
                &chain_id.to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the node starts").unwrap();
            if let Some(address) = line.strip_prefix("Listening on ") {
                break address.trim().to_owned();
            }
        };
        // It goes on printing; a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { watcher, address })
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Asks it: the result, or what it says instead.
    pub fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = exchange(&self.address, &body);
        answer.get("result").unwrap_or_else(|| panic!("{method}: {answer}")).clone()
    }

    /// Makes so many blocks.
    pub fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([format!("0x{blocks:x}")]));
    }

    /// Gives an account a thousand coins.
    pub fn fund(&self, account: &str) {
        self.ask("anvil_setBalance", json!([account, "0x3635c9adc5dea00000"]));
    }

    /// Undoes the last blocks, and makes as many others, which are empty.
    pub fn fork_back(&self, blocks: u64) {
        self.ask("anvil_reorg", json!([blocks, []]));
    }

    /// How many events of a contract are in the chain.
    pub fn events(&self, contract: &str) -> usize {
        self.ask("eth_getLogs", json!([{"address": contract, "fromBlock": "0x0"}])).as_array().unwrap().len()
    }

    /// How many transactions of an account are in the chain.
    pub fn sent(&self, account: &str) -> u64 {
        number(&self.ask("eth_getTransactionCount", json!([account, "latest"])))
    }

    /// The number of the newest block.
    pub fn height(&self) -> u64 {
        number(&self.ask("eth_blockNumber", json!([])))
    }
}

fn number(quantity: &Value) -> u64 {
    u64::from_str_radix(quantity.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

impl Drop for EvmNode {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// How a node changes an answer: the method, its parameters, the whole answer.
type Change = dyn Fn(&str, &Value, &mut Value) + Send + Sync;

/// A node that lies, or plays dead. What it passes on is answered by a real one.
pub struct LyingNode {
    /// Its log, and misbehaviours of the connection, at the path `/rpc`.
    pub server: Loopback,
    change: Arc<Mutex<Box<Change>>>,
    swallowed: Arc<Mutex<Option<String>>>,
    held: Arc<Mutex<Option<Held>>>,
}

/// A question that gets no answer until it is let go.
struct Held {
    method: String,
    passed_on: bool,
    tell: Sender<()>,
    go: Arc<AtomicBool>,
}

/// Keeps a question waiting until it is dropped.
pub struct Hold {
    asked: Receiver<()>,
    held: Arc<Mutex<Option<Held>>>,
    go: Arc<AtomicBool>,
}

impl Hold {
    /// Waits until the question is asked.
    pub fn asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(60)).expect("it is asked");
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        *self.held.lock().unwrap() = None;
        self.go.store(true, Ordering::SeqCst);
    }
}

impl LyingNode {
    /// An honest one, at first.
    pub fn before(node: &EvmNode) -> Self {
        let address = node.address.clone();
        let change: Arc<Mutex<Box<Change>>> = Arc::new(Mutex::new(Box::new(|_, _, _| ())));
        let swallowed: Arc<Mutex<Option<String>>> = Arc::default();
        let held: Arc<Mutex<Option<Held>>> = Arc::default();
        let (now, swallow, hold) = (change.clone(), swallowed.clone(), held.clone());
        let server = Loopback::start(move |asked| {
            let Ok(question) = serde_json::from_slice::<Value>(&asked.body) else { return Reply::status(400) };
            let method = question["method"].as_str().unwrap_or_default();
            if swallow.lock().unwrap().as_deref() == Some(method) {
                return Reply::status(502);
            }
            let waits = hold.lock().unwrap().take_if(|held| held.method == method);
            if let Some(held) = waits {
                if held.passed_on {
                    exchange(&address, &question);
                }
                let _ = held.tell.send(());
                while !held.go.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                return Reply::status(502);
            }
            let mut answer = exchange(&address, &question);
            (now.lock().unwrap())(method, &question["params"], &mut answer);
            Reply::json(&answer)
        });
        Self { server, change, swallowed, held }
    }

    /// From now on, every answer goes through this.
    pub fn lie(&self, change: impl Fn(&str, &Value, &mut Value) + Send + Sync + 'static) {
        *self.change.lock().unwrap() = Box::new(change);
    }

    /// The next question of this method gets no answer for as long as what this returns lives; it is passed on or not.
    pub fn hold(&self, method: &str, passed_on: bool) -> Hold {
        let (tell, asked) = channel();
        let go = Arc::new(AtomicBool::new(false));
        let held = Held { method: method.to_owned(), passed_on, tell, go: go.clone() };
        *self.held.lock().unwrap() = Some(held);
        Hold { asked, held: self.held.clone(), go }
    }

    /// From now on, questions of this method are not passed on, but fail; none of them where there is no method.
    pub fn swallow(&self, method: Option<&str>) {
        *self.swallowed.lock().unwrap() = method.map(str::to_owned);
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("{}/rpc", self.server.origin())
    }

    /// How often it was asked something.
    pub fn asked(&self, method: &str) -> usize {
        let of = |body: &[u8]| serde_json::from_slice::<Value>(body).is_ok_and(|question| question["method"] == method);
        self.server.log().iter().filter(|asked| of(&asked.body)).count()
    }
}

/// One question by HTTP, without a client.
fn exchange(address: &str, body: &Value) -> Value {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\nconnection: close\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    serde_json::from_slice(&answer[start..]).expect("the node answers JSON")
}
