//! Servers that are asked for bundles: one of ours, and one that lies.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::scene::{Scene, demo, leaf, left, scoped};

type Answers = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// A server that gives what the test tells it to, by path. `HUGE` is an answer that does not end.
pub struct Liar {
    pub url: String,
    answers: Answers,
}

const HUGE: &[u8] = b"HUGE";

impl Liar {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Answers::default();
        let given = answers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let given = given.clone();
                std::thread::spawn(move || answer(stream, &given));
            }
        });
        Self { url, answers }
    }

    pub fn say(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().insert(format!("/api/v1/public/{path}"), body.into());
    }
}

fn answer(stream: TcpStream, answers: &Answers) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = request.split(' ').nth(1)?;
    let given = answers.lock().unwrap().get(path).cloned();
    match given {
        Some(body) if body == HUGE => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").ok()?;
            let chunk = vec![b' '; 1 << 20];
            loop {
                stream.write_all(&chunk).ok()?;
            }
        }
        Some(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(&body).ok()
        }
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").ok(),
    }
}

#[test]
fn a_server_of_ours_gives_all_that_it_takes() {
    let scene = Scene::new();
    let server = scene.serve();
    // The pinned root is a file of the verifier's own, and so is everything else but the server's answers.
    let root = scene.write("pinned.json", std::fs::read(scene.root()).unwrap());
    let url = server.url.clone();
    scene.venv("app/.venv", &[demo(), leaf()]);
    scene.node_modules("app/node_modules", &[left(), scoped()]);
    let pins = format!("demo==1.0 --hash=sha256:{}\n", demo().sha256());
    scene.write("app/requirements.txt", pins);
    let asked = ["--store", "elsewhere", "--server", &url, "--root", root.to_str().unwrap(), "--save", "kept"];
    let answer = scene.ask(&[&["verify", "app"], &asked[..]].concat());
    answer.check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    assert_eq!(answer.json["sections"].as_array().unwrap().len(), 3);
    assert_eq!(answer.package("npm:@acme/tool@2.0.0")["files"]["by"], "signed-list");
    let wheel = scene.write("leaf-1.0-py3-none-any.whl", &leaf().bytes);
    let answer = scene.ask(&[&["verify", wheel.to_str().unwrap()], &asked[..6]].concat());
    answer.check(0, "pypi:leaf@1.0", "proven", "certified as CLEAR");
    let id = scene.certificate("pypi:leaf@1.0");
    let answer =
        scene.ask(&["reproduce", &id, "--store", "elsewhere", "--server", &url, "--root", root.to_str().unwrap()]);
    assert_eq!((answer.code, &answer.json["outcome"]), (Some(0), &"same".into()), "{:#}", answer.json);
    drop(server);
    // What was kept is enough from now on, and a server that is gone is nothing decided.
    let offline = ["--store", "elsewhere", "--bundles", "kept", "--root", root.to_str().unwrap()];
    assert_eq!(scene.ask(&[&["verify", "app"], &offline[..]].concat()).code, Some(0));
    let answer = scene.ask(&[&["verify", "app"], &asked[..6]].concat());
    assert_eq!(answer.code, Some(3), "{:#}", answer.json);
}

#[test]
fn what_a_server_says_is_believed_nowhere() {
    let scene = Scene::new();
    let liar = Liar::start();
    let root = scene.root();
    let asked = ["--store", "elsewhere", "--server", &liar.url, "--root", root.to_str().unwrap()];
    let wheel = scene.write("demo-1.0-py3-none-any.whl", &demo().bytes);
    let verify = |what: &str| scene.ask(&[&["verify", what], &asked[..]].concat());
    let file = || verify(wheel.to_str().unwrap());
    let batch = |id: Option<&str>| {
        let certificate = id.map(|id| json!({ "certificateId": id }));
        json!({"results": [{"purl": "x", "result": "CERTIFIED", "certificate": certificate, "error": null}]})
            .to_string()
    };
    let bundle = |package: &str| {
        let id = scene.certificate(package);
        let (_, out, _) = scene.run(&["ledger", "bundle", &id]);
        (id, out)
    };
    let (demo_id, demo_bundle) = bundle("pypi:demo@1.0");
    let (leaf_id, leaf_bundle) = bundle("pypi:leaf@1.0");
    let by_hash = format!("packages/by-hash/{}", demo().sha256());

    // An answer that is none.
    liar.say("packages/batch", "<html>");
    assert_eq!(file().code, Some(3));
    liar.say("packages/batch", json!({"results": []}).to_string());
    assert_eq!(file().code, Some(3));
    // An id that would be another address.
    liar.say("packages/batch", batch(Some("../../../../etc/passwd")));
    file().check(3, "pypi:demo@1.0", "undecided", "not certified");
    // The bundle of another package, under the right id and the wrong one.
    liar.say("packages/batch", batch(Some(&demo_id)));
    liar.say(&format!("certificates/{demo_id}/bundle"), &*leaf_bundle);
    file().check(3, "pypi:demo@1.0", "undecided", "not certified");
    liar.say(&by_hash, json!({"items": [{"certificateId": leaf_id}]}).to_string());
    liar.say(&format!("certificates/{leaf_id}/bundle"), &*leaf_bundle);
    file().check(3, "pypi:demo@1.0", "undecided", "not certified");
    // The right one, but for a word in it; then with another file's digest; then with an end that never comes.
    for (from, to) in [
        ("\"securityLevel\":\"CLEAR\"", "\"securityLevel\":\"MONITORED\"".to_owned()),
        (demo().sha256().to_string().as_str(), leaf().sha256().to_string()),
        ("\"logIndex\":\"", "\"logIndex\":\"1".to_owned()),
    ] {
        let changed = demo_bundle.replace(from, &to);
        assert_ne!(changed, demo_bundle);
        liar.say(&format!("certificates/{demo_id}/bundle"), changed);
        assert_eq!(file().code, Some(3), "{from}");
    }
    liar.say(&format!("certificates/{demo_id}/bundle"), HUGE);
    file().check(3, "pypi:demo@1.0", "undecided", "not certified");
    liar.say(&format!("certificates/{demo_id}/bundle"), &*demo_bundle);
    file().check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");

    // Lists of files: of another package, with a file changed, with two files as one.
    let prefix = scene.venv("app/.venv", &[demo()]);
    let folder = scene.path().join("lists");
    scene.ask(&["verify", "app", "--save", folder.to_str().unwrap()]);
    let honest: Value =
        serde_json::from_slice(&std::fs::read(folder.join(format!("{demo_id}.files.json"))).unwrap()).unwrap();
    let files = format!("certificates/{demo_id}/files");
    liar.say(&files, honest.to_string());
    verify("app").check(0, "pypi:demo@1.0", "proven", "certified as CLEAR");
    let evil = "evil()\n";
    super::scene::write(&super::scene::site(&prefix).join("demo/__init__.py"), evil);
    let digest = sigma_core::Sha256::of(b"VALUE = 1\n").to_string();
    let mut changed = honest.clone();
    let list = changed["distributions"][0]["files"].as_array_mut().unwrap();
    let entry = list.iter_mut().find(|file| file["sha256"] == digest).unwrap();
    entry["sha256"] = sigma_core::Sha256::of(evil.as_bytes()).to_string().into();
    entry["size"] = evil.len().into();
    liar.say(&files, changed.to_string());
    let answer = verify("app");
    assert_eq!(answer.package("pypi:demo@1.0")["files"]["by"], "record", "the list is not believed: {:#}", answer.json);
    assert_eq!(answer.code, Some(1), "and RECORD still has the old digest");
    let mut shorter = honest.clone();
    let list = shorter["distributions"][0]["files"].as_array_mut().unwrap();
    let at = list.iter().position(|file| file["sha256"] == digest).unwrap();
    let (path, gone) = (list[at]["path"].as_str().unwrap().to_owned(), digest.clone());
    list.remove(at);
    let next = list[at]["path"].as_str().unwrap().to_owned();
    list[at]["path"] = format!("{path}{gone}{next}").into();
    liar.say(&files, shorter.to_string());
    assert_eq!(verify("app").package("pypi:demo@1.0")["files"]["by"], "record");
    liar.say(&files, HUGE);
    assert_eq!(verify("app").package("pypi:demo@1.0")["files"]["by"], "record");
    // Nobody is sent anywhere without a root of one's own.
    let (code, _, err) = scene.run(&["verify", "app", "--server", &liar.url]);
    assert_eq!(code, Some(2), "{err}");
}
