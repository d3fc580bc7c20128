//! Faults that a service must survive: the API killed while developers submit, the database restarted, a disk that is full.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sigma_testkit::PrivatePostgres;

use super::*;

/// `sigma serve` as a process that may be killed. It listens on an address that stays the same.
struct Api {
    child: Child,
    address: String,
}

impl Api {
    fn start(scene: &Scene, address: &str) -> Self {
        let arguments = ["serve", "--listen", address, "--no-worker", "--log-format", "json"];
        let mut child = scene.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        // It may have to say first that the database is not there yet.
        for line in lines.by_ref().map_while(Result::ok) {
            let log: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            address = log["fields"]["server.address"].as_str().map(str::to_owned);
            if address.is_some() {
                break;
            }
        }
        // Whoever writes to a closed pipe fails.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.expect("it listens") }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until somebody answers: whoever is cut off asks again, as clients do.
fn persist(address: &str, token: &str, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
    let patience = Instant::now() + Duration::from_secs(120);
    while Instant::now() < patience {
        let ask = || -> std::io::Result<(u16, Value)> {
            let mut stream = TcpStream::connect(address)?;
            write!(
                stream,
                "{method} /api/v1/sigma/dev{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
                 idempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            let cut = || std::io::Error::other("cut off");
            let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
            let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
            Ok((status, serde_json::from_str(body).map_err(|_| cut())?))
        };
        match ask() {
            Ok((status, answer)) if status < 500 => return (status, answer),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    panic!("nobody answers {method} {path}");
}

/// A worker that has opened the store: one that cannot at its start says so and ends.
fn working(scene: &Scene) -> Child {
    let mut child = scene.command(&["worker"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("working")), "it works");
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn token(scene: &Scene, owner: &str) -> String {
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0), "the store begins");
    let (code, out, err) = scene.run(&["token", "create", "--owner", owner, "--scope", "read", "--scope", "submit"]);
    assert_eq!(code, Some(0), "{err}");
    out.trim().to_owned()
}

/// Every submission of these ends, and each package was audited and paid for once.
async fn settled(hall: &Hall, submissions: &BTreeSet<String>, packages: &BTreeSet<String>) {
    let patience = Instant::now() + Duration::from_secs(240);
    for id in submissions {
        loop {
            // The database may be starting again.
            let submission = hall.store().submission(id).await.ok().flatten();
            if submission.is_some_and(|submission| submission.state.is_final()) {
                break;
            }
            assert!(Instant::now() < patience, "{id} did not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let mut paid: BTreeMap<String, usize> = BTreeMap::new();
    for id in submissions {
        let submission = hall.store().submission(id).await.unwrap().unwrap();
        assert_eq!(submission.state, SubmissionState::Cleared, "{}", String::from_utf8_lossy(&submission.result));
        let events = hall.store().events(id, 0, 1_000).await.unwrap();
        let of = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((of("queued"), of("planned"), of("ended")), (1, 1, 1));
        let result: Value = serde_json::from_slice(&submission.result).unwrap();
        for entry in result["packageAnalysis"]["packages"].as_array().unwrap() {
            if entry["status"] == "AUDITED_THIS_SUBMISSION" {
                *paid.entry(entry["packageName"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    for package in packages {
        let id: PackageId = format!("pypi:{package}@1.0").parse().unwrap();
        assert_eq!(hall.store().certificates_of(&id).await.unwrap().len(), 1, "{package} is certified once");
        assert_eq!(paid.get(package), Some(&1), "{package} is paid for once");
    }
    assert_eq!(hall.store().totals().await.unwrap().submissions, submissions.len() as u64, "booked once");
}

/// `kill -9` of the API, 100 times or as often as `SIGMA_TEST_KILLS` says, while developers make drafts and submit them.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_api_loses_nothing_that_it_accepted() {
    let kills: usize = std::env::var("SIGMA_TEST_KILLS").map_or(100, |text| text.parse().unwrap());
    let scene = Scene::new();
    for name in ["p0", "p1", "p2", "p3", "p4"] {
        scene.eco.pypi.add(pure(name, "1.0").build());
    }
    let tokens: Vec<String> = (0..3).map(|owner| token(&scene, &format!("owner{owner}"))).collect();
    let mut worker = scene.worker();
    let mut api = Api::start(&scene, "127.0.0.1:0");
    let address = api.address.clone();
    let (stop, accepted) = (AtomicBool::new(false), Mutex::new(BTreeMap::new()));
    std::thread::scope(|threads| {
        let (address, stop, accepted) = (address.as_str(), &stop, &accepted);
        let clients: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(index, token)| {
                threads.spawn(move || {
                    let mut mine = BTreeMap::new();
                    for round in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let names = [index, (index + round) % 5].map(|number| format!("p{number}"));
                        let requirements = names.iter().map(|name| format!("{name}==1.0\n")).collect::<String>();
                        let body = json!({"files": {"requirements.txt": requirements}}).to_string();
                        let (status, draft) = persist(address, token, "POST", "/drafts", "", &body);
                        assert_eq!(status, 201, "{draft}");
                        let path = format!("/drafts/{}/submit", draft["draftId"].as_str().unwrap());
                        let key = format!("k{round}");
                        // Sent twice, as by somebody who did not see the first answer.
                        let (status, first) = persist(address, token, "POST", &path, &key, "");
                        let (_, second) = persist(address, token, "POST", &path, &key, "");
                        assert_eq!((status, &first["submissionId"]), (202, &second["submissionId"]), "{first}");
                        let id = first["submissionId"].as_str().unwrap().to_owned();
                        assert!(mine.insert(id.clone(), key).is_none(), "a new key is a new submission");
                        accepted.lock().unwrap().insert(id, names);
                        // An owner may have a thousand drafts, which must do for all kills.
                        std::thread::sleep(Duration::from_millis(100));
                    }
                })
            })
            .collect();
        let mut random = Random(7);
        for _ in 0..kills {
            std::thread::sleep(Duration::from_millis(50 + random.below(400)));
            api.child.kill().unwrap();
            api.child.wait().unwrap();
            api = Api::start(&scene, address);
        }
        stop.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().unwrap();
        }
    });
    let accepted = accepted.into_inner().unwrap();
    assert!(accepted.len() >= 3, "{}", accepted.len());
    let hall = scene.hall().await;
    let needed = accepted.values().flatten().cloned().collect();
    let submissions = accepted.into_keys().collect();
    settled(&hall, &submissions, &needed).await;
    worker.kill().unwrap();
    worker.wait().unwrap();
}

/// PostgreSQL crashes in the middle of the work, again and again; whoever waits for it goes on when it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_database_loses_nothing() {
    let Some(server) = PrivatePostgres::start() else { return };
    let scene = Scene { database: Some(server.url()), ..Scene::new() };
    let names: BTreeSet<String> = (0..12).map(|index| format!("p{index}")).collect();
    for name in &names {
        let built = scene.eco.pypi.add(pure(name, "1.0").build());
        let path = Url::parse(&built.url).unwrap().path().to_owned();
        scene.eco.pypi.server.misbehave(&path, Misbehaviour::Slow(3_000));
    }
    let requirements: String = names.iter().map(|name| format!("{name}==1.0\n")).collect();
    let token = token(&scene, "ann");
    let api = Api::start(&scene, "127.0.0.1:0");
    let mut workers = [working(&scene), working(&scene)];
    let hall = scene.hall().await;
    let mut submissions = BTreeSet::from([scene.submit(&hall, "bob", &requirements).await]);
    let mut random = Random(3);
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(100 + random.below(500))).await;
        server.down();
        // Refused with a word, not hung and not lost.
        let answer = TcpStream::connect(&api.address).and_then(|mut stream| {
            write!(stream, "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        });
        assert!(answer.unwrap().starts_with("HTTP/1.1 503"), "it says that it is not ready");
        server.up();
        let body = json!({"files": {"requirements.txt": requirements}}).to_string();
        let (status, draft) = persist(&api.address, &token, "POST", "/drafts", "", &body);
        assert_eq!(status, 201, "{draft}");
        let path = format!("/drafts/{}/submit", draft["draftId"].as_str().unwrap());
        let (status, submitted) = persist(&api.address, &token, "POST", &path, &format!("k{round}"), "");
        assert_eq!(status, 202, "{submitted}");
        submissions.insert(submitted["submissionId"].as_str().unwrap().to_owned());
    }
    settled(&hall, &submissions, &names).await;
    for worker in &mut workers {
        assert!(worker.try_wait().unwrap().is_none(), "the workers lived through it");
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
}

/// No room for a distribution: nothing is half stored, the submission ends and says why, and an operator runs it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_leaves_nothing_behind() {
    let scene = Scene::new();
    scene.eco.pypi.add(pure("small", "1.0").build());
    let mut random = Random(1);
    let noise: Vec<u8> = (0..24 << 20).map(|_| random.below(256) as u8).collect();
    scene.eco.pypi.add(pure("large", "1.0").file("large/noise.bin", noise).build());
    let hall = scene.hall().await;
    let first = scene.submit(&hall, "ann", "small==1.0\nlarge==1.0\n").await;
    // No file of this worker may be larger than 16 MiB: writing beyond fails as on a full disk. The signal is ignored.
    let worker = scene.command(&["worker", "--until-idle"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 32768; exec \"$0\" \"$@\""]).arg(worker.get_program());
    limited.args(worker.get_args()).current_dir(scene.folder.path()).env_clear();
    limited.envs(worker.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(limited.output().unwrap().status.code(), Some(0), "the worker lives");

    let submission = hall.store().submission(&first).await.unwrap().unwrap();
    let result = String::from_utf8_lossy(&submission.result).into_owned();
    assert_eq!(submission.state, SubmissionState::Held, "{result}");
    assert!(result.contains("its audit failed and waits for an operator"), "{result}");
    let certified = async |name: &str| {
        hall.store().certificates_of(&format!("pypi:{name}@1.0").parse().unwrap()).await.unwrap().len()
    };
    assert_eq!((certified("small").await, certified("large").await), (1, 0));
    let staged = || std::fs::read_dir(hall.store().staging()).unwrap().count();
    assert!(staged() <= 1, "what was fetched may be resumed, once");
    let blobs = || std::fs::read_dir(hall.store().root().join("blobs")).unwrap().count();
    assert_eq!(blobs(), 1, "nothing is half stored");
    let dead = hall.store().jobs(JobState::Dead, None, 9).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].last_error.contains("large"), "{}", dead[0].last_error);
    // Five runs were all that there are for a failure: the ten of runs that end without a word have no place beside them.
    assert_eq!((dead[0].attempts, dead[0].max_attempts), (5, 10));
    let table = scene.run(&["jobs", "list"]).1;
    let row = table.lines().find(|line| line.contains(dead[0].id.as_str())).expect("a row");
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells[..3], [dead[0].id.as_str(), "audit_package", "5"], "{table}");

    let retry = ["jobs", "retry", dead[0].id.as_str(), "--by", "ada", "--reason", "there is room again"];
    assert_eq!(scene.run(&retry).0, Some(0));
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0));
    assert_eq!((certified("large").await, staged(), blobs()), (1, 0, 2));
    let second = scene.submit(&hall, "bob", "small==1.0\nlarge==1.0\n").await;
    assert_eq!(scene.run(&["worker", "--until-idle"]).0, Some(0));
    assert_eq!(hall.store().submission(&second).await.unwrap().unwrap().state, SubmissionState::Cleared);
}

/// Spans go to a collector where one is named, as OpenTelemetry's protocol over HTTP has it.
#[test]
fn spans_are_exported() {
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let received = std::sync::Arc::new(Mutex::new(Vec::new()));
    let into = received.clone();
    std::thread::spawn(move || {
        for stream in collector.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            for line in head.to_lowercase().lines() {
                length = line.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            into.lock().unwrap().push((head.lines().next().unwrap_or_default().to_owned(), body));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
        }
    });
    let scene = Scene::new();
    let mut command = scene.command(&["serve", "--listen", "127.0.0.1:0", "--no-worker", "--log-format", "json"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint).env("OTEL_SERVICE_NAME", "trust-registry");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let address = log["fields"]["server.address"].as_str().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let path = "/api/v1/public/packages/pypi/secretive/1.0";
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: traced-1\r\nauthorization: Bearer sgm_hush\r\nconnection: close\r\n\r\n")
        .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    std::thread::spawn(move || lines.for_each(drop));
    assert_eq!(child.wait().unwrap().code(), Some(0), "and what was left was sent");
    let received = received.lock().unwrap();
    assert!(received.iter().all(|(line, _)| line.starts_with("POST /v1/traces ")), "{received:?}");
    let bytes: Vec<u8> = received.iter().flat_map(|(_, body)| body.clone()).collect();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    // Field 5 of a span is its name.
    let named = "\x2a\x03GET";
    let route = "/api/v1/public/packages/{registry}/{name}/{version}";
    for text in ["trust-registry", "traced-1", "http.route", route, named] {
        assert!(holds(text), "{text}: {}", String::from_utf8_lossy(&bytes));
    }
    assert!(!holds("sgm_hush") && !holds("secretive"), "nothing that clients send but the request's id");
}
