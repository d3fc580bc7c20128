//! Certificates on a chain, through the program: a real EVM node on loopback, a key in a file, and a process that is killed.

mod program;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sigma_testkit::{EvmNode, FakeEcosystem, LyingNode, Wheel};
use tempfile::TempDir;

use program::sigma;

struct Scene {
    eco: FakeEcosystem,
    folder: TempDir,
    node: EvmNode,
    account: String,
    contract: String,
}

impl Scene {
    /// Two certificates in a log, a contract, a key. None where there is no node to be had.
    fn new() -> Option<Self> {
        let node = EvmNode::start(143)?;
        let (account, contract) = (String::new(), String::new());
        let mut scene =
            Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap(), node, account, contract };
        scene.audit(&["demo", "leaf"]);
        scene.good(&["ledger", "init", "--origin", "sigma.example.org/log"]);
        scene.good(&["ledger", "sync"]);
        scene.configure("");
        scene.account = scene.good(&["chain", "key"]).trim().to_owned();
        assert_eq!(scene.good(&["chain", "key"]).trim(), scene.account, "a key is never replaced");
        let (code, _, err) = scene.run(&["chain", "deploy"]);
        assert_eq!(code, Some(2), "nothing to pay with: {err}");
        scene.node.fund(&scene.account);
        let (code, out, err) = scene.while_mining(|| scene.run(&["chain", "deploy"]));
        assert_eq!(code, Some(0), "{err}");
        scene.contract = out.trim().to_owned();
        scene.configure(&format!("contract = \"{}\"\n", scene.contract));
        Some(scene)
    }

    fn configure(&self, more: &str) {
        let folder = self.folder.path().join(".config/sigma");
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!("[chain]\nenabled = true\nkey_file = \"chain.pem\"\ninterval_seconds = 1\n{more}");
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }

    fn audit(&self, names: &[&str]) {
        let mut manifest = String::new();
        for name in names {
            self.eco.pypi.add(Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), "VALUE = 1\n").build());
            manifest.push_str(&format!("{name}==1.0\n"));
        }
        std::fs::write(self.folder.path().join("requirements.txt"), manifest).unwrap();
        self.good(&["audit", "requirements.txt"]);
    }

    fn command(&self, node: &str, arguments: &[&str]) -> Command {
        let mut command = sigma(self.folder.path(), &self.eco, arguments);
        command.env("SIGMA_CHAIN_NODE", node);
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(&self.node.url(), arguments).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {err}");
        out
    }

    /// Blocks are made all the time.
    fn while_mining<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    self.node.mine(1);
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let result = work();
            done.store(true, Ordering::SeqCst);
            result
        })
    }

    fn anchor(&self) -> String {
        self.while_mining(|| self.good(&["chain", "anchor"]))
    }

    fn on_chain(&self, package: &str) -> (String, Value) {
        let shown: Value = serde_json::from_str(&self.good(&["show", package, "--format", "json"])).unwrap();
        (shown["certificateId"].as_str().unwrap().to_owned(), shown["onChain"].clone())
    }

    /// What the contract was told in all, and how many transactions that took; its own deployment is not counted.
    fn told(&self) -> (usize, u64) {
        (self.node.events(&self.contract) - 1, self.node.sent(&self.account) - 1)
    }
}

fn anchor_check(report: &Value) -> (&str, &str) {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == "anchor").unwrap();
    (check["state"].as_str().unwrap(), check["detail"].as_str().unwrap())
}

#[test]
fn a_certificate_is_put_on_a_chain_and_verified_there() {
    let Some(scene) = Scene::new() else { return };
    scene.good(&["config", "check"]);
    let (id, before) = scene.on_chain("pypi:demo@1.0");
    assert_eq!(before["committed"], false);
    assert_eq!(before["reason"], "it waits for its turn to be put on the chain");
    let (code, _, err) = scene.run(&["chain", "anchor", "--once"]);
    assert_eq!(code, Some(3), "it is sent, and not final: {err}");
    assert!(err.contains("is sent and in no block yet"), "{err}");
    let said = scene.anchor();
    assert_eq!(said, "anchor 1 is on the chain for good\nnothing is due\n");
    assert_eq!(scene.told(), (1, 1));
    let (_, after) = scene.on_chain("pypi:demo@1.0");
    assert_eq!((&after["committed"], &after["chainId"], &after["logSize"]), (&true.into(), &143.into(), &3.into()));
    assert_eq!(after["contract"].as_str().unwrap(), scene.contract.to_lowercase());
    let status = scene.good(&["chain", "status"]);
    for expect in
        ["anchoring is on", "is the issuer", "newest root: 3 entries", "root of 3 entries on chain 143  final in block"]
    {
        assert!(status.contains(expect), "{expect}: {status}");
    }

    let bundle = scene.folder.path().join("demo.json");
    std::fs::write(&bundle, scene.good(&["ledger", "bundle", &id])).unwrap();
    let verify = |more: &[&str]| {
        let arguments = [&["verify", bundle.to_str().unwrap(), "--format", "json"], more].concat();
        let (code, out, err) = scene.run(&arguments);
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        let (state, detail) = anchor_check(&report);
        (code.unwrap(), state.to_owned(), detail.to_owned())
    };
    let (code, state, detail) = verify(&[]);
    assert_eq!((code, state.as_str()), (0, "not-proven"));
    assert!(detail.ends_with("on chain 143; no node was asked"), "{detail}");
    let node = scene.node.url();
    let (code, state, detail) = verify(&["--node", &node]);
    assert_eq!((code, state.as_str()), (0, "proven"), "{detail}");
    assert!(
        detail.contains("the root of 3 entries, this one among them") && detail.contains("since block"),
        "{detail}"
    );
    // Another contract, another chain, nobody there: nothing is proven, and that is no pass.
    let (code, state, detail) = verify(&["--node", &node, "--contract", "0x0101010101010101010101010101010101010101"]);
    assert_eq!((code, state.as_str()), (3, "not-proven"), "{detail}");
    let (code, state, detail) = verify(&["--node", "http://127.0.0.1:9/"]);
    assert_eq!((code, state.as_str()), (3, "not-proven"), "{detail}");
    assert!(detail.contains("the node cannot be reached"), "{detail}");
    let other = EvmNode::start(1).unwrap();
    let (code, _, detail) = verify(&["--node", &other.url()]);
    assert_eq!((code, detail.as_str()), (3, "the node is of chain 1, expected 143"));
    // A bundle that names another root does not lead there; a node that has another one says so.
    let text = std::fs::read_to_string(&bundle).unwrap();
    let mut changed: Value = serde_json::from_str(&text).unwrap();
    changed["anchor"]["log"]["rootHash"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    std::fs::write(&bundle, changed.to_string()).unwrap();
    let (code, state, _) = verify(&["--node", &node]);
    assert_eq!((code, state.as_str()), (1, "failed"));
    std::fs::write(&bundle, &text).unwrap();
    let lying = LyingNode::before(&scene.node);
    lying.lie(|method, _, answer| {
        // The answer about the root is the only one whose first word is not small.
        let root = answer["result"].as_str().filter(|data| method == "eth_call" && !data.starts_with("0x000000"));
        if let Some(changed) = root.map(|data| format!("0x77{}", &data[4..])) {
            answer["result"] = changed.into();
        }
    });
    let (code, state, detail) = verify(&["--node", &lying.url()]);
    assert_eq!((code, state.as_str()), (1, "failed"), "{detail}");
    assert!(detail.contains("has the root 0x77"), "{detail}");
}

/// `kill -9` while the node is asked something: before it hears of it, and after. The next process is elected at once, and goes on.
#[test]
fn a_process_that_is_killed_anywhere_commits_once() {
    let Some(scene) = Scene::new() else { return };
    let lying = LyingNode::before(&scene.node);
    let steps = [
        ("eth_chainId", false, 0),
        ("eth_call", false, 0),
        ("eth_estimateGas", false, 0),
        ("eth_getTransactionCount", false, 0),
        ("eth_sendRawTransaction", false, 0),
        ("eth_sendRawTransaction", true, 1),
        ("eth_getTransactionCount", false, 3),
        ("eth_getTransactionReceipt", false, 0),
    ];
    for (method, passed_on, blocks) in steps {
        let hold = lying.hold(method, passed_on);
        let mut child: Child = scene
            .command(&lying.url(), &["chain", "anchor", "--once"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        hold.asked();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(hold);
        scene.node.mine(blocks);
    }
    scene.anchor();
    assert_eq!(scene.told(), (1, 1), "one commit, one transaction");
    assert_eq!(scene.on_chain("pypi:leaf@1.0").1["committed"], true);
    assert_eq!(scene.anchor(), "nothing is due\n");
}

/// Files and lockfiles: every certificate that something rests on, each root once.
#[test]
fn what_is_in_use_is_checked_on_the_chain() {
    let Some(scene) = Scene::new() else { return };
    let wheel = |name: &str| Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), "VALUE = 1\n").build();
    let file = scene.folder.path().join("demo-1.0-py3-none-any.whl");
    std::fs::write(&file, &*wheel("demo").bytes).unwrap();
    let locked = |names: &[&str]| {
        let lines = names.iter().map(|name| {
            let sha256 = sigma_core::Sha256::of(&wheel(name).bytes);
            format!("{name}==1.0 --hash=sha256:{sha256}\n")
        });
        std::fs::write(scene.folder.path().join("requirements.txt"), lines.collect::<String>()).unwrap();
    };
    locked(&["demo", "leaf"]);
    let verify = |what: &str, more: &[&str]| {
        let (code, out, err) = scene.run(&[&["verify", what, "--format", "json"], more].concat());
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        (code.unwrap(), report)
    };
    let counts = |report: &Value| {
        ["certificates", "there", "missing", "unknown"].map(|key| report["chain"][key].as_u64().unwrap_or(99))
    };
    let node = scene.node.url();
    let (code, report) = verify("requirements.txt", &["--node", &node]);
    assert_eq!((code, counts(&report)), (3, [2, 0, 0, 2]), "nothing is anchored yet: {report:#}");
    scene.anchor();
    let (code, report) = verify("requirements.txt", &[]);
    assert_eq!((code, &report["chain"]), (0, &Value::Null), "nobody is asked unless it is said");
    let lying = LyingNode::before(&scene.node);
    let (code, report) = verify("requirements.txt", &["--node", &lying.url()]);
    assert_eq!((code, counts(&report)), (0, [2, 2, 0, 0]), "{report:#}");
    assert_eq!(lying.asked("eth_call"), 2, "both payloads at once, and one root");
    let package = &report["sections"][0]["packages"][0];
    let (state, detail) = anchor_check(package);
    assert!(state == "proven" && detail.contains("it is there since block"), "{detail}");
    assert!(!report["notProven"].to_string().contains("chain"), "{report:#}");
    let (code, report) = verify(file.to_str().unwrap(), &["--node", &node]);
    assert_eq!((code, counts(&report)), (0, [1, 1, 0, 0]), "{report:#}");
    let screen = scene.good(&["verify", "requirements.txt", "--node", &node]);
    assert!(screen.contains(&format!("chain    2 of 2 certificates are in {}\n", scene.contract)), "{screen}");

    // One that is not there yet, a contract that has nothing, a node that is down: undecided.
    scene.audit(&["third"]);
    locked(&["demo", "third"]);
    let (code, report) = verify("requirements.txt", &["--node", &node]);
    assert_eq!((code, counts(&report)), (3, [2, 1, 0, 1]), "{report:#}");
    assert!(report["notProven"].to_string().contains("That 1 of 2 certificates are on a chain."), "{report:#}");
    locked(&["demo", "leaf"]);
    let elsewhere = ["--node", &node, "--contract", "0x0101010101010101010101010101010101010101"];
    assert_eq!(verify("requirements.txt", &elsewhere).0, 3);
    let (code, report) = verify("requirements.txt", &["--node", "http://127.0.0.1:9/"]);
    assert_eq!((code, counts(&report)), (3, [2, 0, 0, 2]));
    let screen = scene.run(&["verify", "requirements.txt", "--node", "http://127.0.0.1:9/"]).1;
    assert!(screen.contains("0 of 2 certificates") && screen.contains("the node cannot be reached"), "{screen}");
    // Another root in the contract speaks against every certificate under it.
    lying.lie(|method, _, answer| {
        let root = answer["result"].as_str().filter(|data| method == "eth_call" && !data.starts_with("0x000000"));
        if let Some(changed) = root.map(|data| format!("0x77{}", &data[4..])) {
            answer["result"] = changed.into();
        }
    });
    let (code, report) = verify("requirements.txt", &["--node", &lying.url()]);
    assert_eq!((code, counts(&report)), (1, [2, 0, 2, 0]), "{report:#}");
}

/// Another key becomes the issuer, in two steps.
#[test]
fn the_contract_is_handed_over() {
    let Some(scene) = Scene::new() else { return };
    let other = scene.folder.path().join("next.toml");
    let text = format!(
        "[chain]\nenabled = true\nkey_file = \"next.pem\"\ninterval_seconds = 1\ncontract = \"{}\"\n",
        scene.contract
    );
    std::fs::write(&other, text).unwrap();
    let as_next = |arguments: &[&str]| scene.run(&[&["--config", other.to_str().unwrap()], arguments].concat());
    let next = as_next(&["chain", "key"]).1.trim().to_owned();
    scene.node.fund(&next);
    assert_eq!(scene.run(&["chain", "nominate", "0x12"]).0, Some(2), "no address");
    let (code, _, err) = as_next(&["chain", "accept"]);
    assert!(code == Some(2) && err.contains(&format!("{next} was not nominated")), "{err}");
    // A transaction of the same key is under way.
    assert_eq!(scene.run(&["chain", "anchor", "--once"]).0, Some(3));
    let (code, _, err) = scene.run(&["chain", "nominate", &next]);
    assert!(code == Some(3) && err.contains("anchor 1 is under way"), "{err}");
    scene.anchor();
    let (code, _, err) = scene.run(&["chain", "nominate", &next, "--wait-seconds", "0"]);
    assert!(code == Some(3) && err.contains("it is not final yet"), "{err}");
    scene.node.mine(3);
    let sent = scene.node.sent(&scene.account);
    assert!(scene.good(&["chain", "nominate", &next]).starts_with(&format!("{next} may accept")));
    assert_eq!(scene.node.sent(&scene.account), sent, "it is done, and not done again");
    assert!(scene.good(&["chain", "status"]).contains(&format!("{next} was nominated, and may accept\n")));
    let (code, out, err) = scene.while_mining(|| as_next(&["chain", "accept"]));
    assert_eq!((code, out), (Some(0), format!("{next} is the issuer\n")), "{err}");
    assert!(scene.good(&["chain", "status"]).contains("is NOT the issuer"));
    let (code, _, err) = scene.run(&["chain", "nominate", &scene.account]);
    assert!(code == Some(2) && err.contains(&format!("{} is not its issuer", scene.account)), "{err}");
    // The new one goes on where the old one ended.
    scene.audit(&["third"]);
    let (code, out, err) = scene.while_mining(|| as_next(&["chain", "anchor"]));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("anchor 2 is on the chain for good"), "{out}");
}

/// The server anchors by itself, and its answers say how far it is.
#[test]
fn a_server_puts_certificates_on_the_chain() {
    let Some(scene) = Scene::new() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut child = scene
        .command(&scene.node.url(), &["serve", "--listen", &address])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let on_chain = || get(&address, "/api/v1/public/packages/pypi/demo/1.0").map(|answer| answer["onChain"].clone());
    let wait = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match on_chain() {
                Some(there) if holds(&there) => return there,
                there => assert!(Instant::now() < until, "{what}: {there:?}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let sent = wait("sent", &|there| there["reason"].as_str().is_some_and(|reason| reason.contains("no block yet")));
    assert_eq!((&sent["committed"], &sent["chainId"]), (&false.into(), &143.into()));
    let done = scene.while_mining(|| wait("final", &|there| there["committed"] == true));
    assert!(done["transaction"].as_str().unwrap().starts_with("0x"), "{done}");
    assert_eq!(done["logSize"], 3);
    let verified = get(&address, "/api/v1/public/packages/pypi/demo/1.0/verify").unwrap();
    assert_eq!(verified["onChain"], done);
    let id = verified["certificateId"].as_str().unwrap();
    assert_eq!(get(&address, &format!("/api/v1/public/certificates/{id}")).unwrap()["onChain"], done);
    assert_eq!(scene.told(), (1, 1));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What is wrong with `[chain]` is told before it is used.
#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let check = |text: &str, expect: &str| {
        std::fs::write(&config, format!("[chain]\nenabled = true\n{text}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
        command.args(["config", "check", "--config"]).arg(&config).env_clear().env("HOME", folder.path());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expect), "{said}");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(!shown.contains("secret"), "{shown}");
    };
    let node = "node = \"https://rpc.example.com/v2/secret\"\n";
    let contract = "contract = \"0x0101010101010101010101010101010101010101\"\n";
    check("", "[chain] node is not set");
    check(node, "[chain] contract is not set");
    check(&format!("{node}contract = \"0x01\"\n"), "got `0x01`, expected 0x and 40 hexadecimal digits");
    check(&format!("{node}contract = \"0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266\"\n"), "[chain] contract");
    check(&format!("{node}{contract}key_file = \"none.pem\"\n"), "none.pem");
    check(&format!("{node}{contract}batch = 0\n"), "chain.batch: got 0, expected at least 1");
    check(&format!("{node}{contract}finality = \"soon\"\n"), "expected `finalized` or a number of confirmations");
    check(&format!("{node}{contract}mode = \"both\"\n"), "chain.mode");
    check(&format!("{node}{contract}max_fee_gwei = 2000000\n"), "got 2000000, expected 1 to 1000000");
}

fn get(address: &str, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: sigma\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    serde_json::from_slice(&answer[start..]).ok()
}
