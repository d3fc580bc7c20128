//! A submission of code of fifty files, from checkout to certificate, beside its own run: `just bench-submission`.
//!
//! The goal is 3 s beyond the time that the code runs by itself, with the embedded council. Both are measured in turns: `sigma
//! submit` of a repository on a git host of loopback, into a fresh store each time, and the wall clock of the same run, as the
//! sandbox says it. The files are made here: about 260 KB with two thousand functions, without dependencies.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use sigma_testkit::{GitHost, GitRepository};

const FILES: usize = 50;
const FUNCTIONS: usize = 39;
const RUNS: usize = 7;
/// What everything but the run may take.
const GOAL: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS; // `cargo test --benches` only wants to know that it builds
    }
    let folder = tempfile::tempdir().expect("a folder");
    let repositories = folder.path().join("repositories");
    std::fs::create_dir(&repositories).expect("a folder for the repository");
    let host = GitHost::git(&repositories);
    let files: Vec<(String, String)> = (0..FILES).map(file).collect();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let repository = GitRepository::new(&repositories, "example/tool");
    let tree: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    repository.set("refs/heads/main", &repository.files(&tree));
    let local = folder.path().join("local");
    std::fs::create_dir(&local).expect("a folder for the same files");
    for (path, text) in &files {
        std::fs::write(local.join(path), text).expect("a file");
    }
    std::fs::write(folder.path().join("config.toml"), format!("[review]\nhosts = [\"{}\"]\n", host.address))
        .expect("a configuration");

    println!("{FILES} files, {} KB, {} functions", bytes >> 10, FILES * FUNCTIONS);
    let (mut totals, mut runs, mut rests) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let store = folder.path().join(format!("store{run}"));
        let url = host.url("example/tool");
        let submit = ["submit", "--repo", &url, "--category", "CODE", "--entry", "main.py", "--format", "json"];
        let since = Instant::now();
        let certificate = sigma(folder.path(), &store, &submit);
        let total = since.elapsed();
        let execution = &certificate["codeReview"]["execution"];
        assert_eq!(execution["status"], "completed", "{execution:#}");
        let review = ["review", "local", "--category", "CODE", "--entry", "main.py", "--format", "json"];
        let rehearsal = sigma(folder.path(), &store, &review);
        let wall = find(&rehearsal, "wallMs").and_then(Value::as_u64).expect("the run tells its wall clock");
        let wall = Duration::from_millis(wall);
        totals.push(total);
        runs.push(wall);
        rests.push(total.saturating_sub(wall));
    }
    let (total, own, rest) = (median(totals), median(runs), median(rests));
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("from checkout to certificate {:.0} ms, its own run {:.0} ms (medians of {RUNS})", ms(total), ms(own));
    println!("everything else {:.0} ms: {:.2} of the goal of {} s", ms(rest), ms(rest) / ms(GOAL), GOAL.as_secs());
    println!("total to own run {:.2}", ms(total) / ms(own).max(1.0));
    ExitCode::SUCCESS
}

/// One of the files: functions that call each other, and the first one uses them all.
fn file(index: usize) -> (String, String) {
    let mut text = String::from("import hashlib\nimport json\n\n\n");
    for function in 0..FUNCTIONS {
        let _ = write!(
            text,
            "def step_{index}_{function}(value, count=3):\n    data = json.dumps([value] * count)\n    \
             return hashlib.sha256(data.encode()).hexdigest()[:count]\n\n\n"
        );
    }
    if index > 0 {
        return (format!("part{index:02}.py"), text);
    }
    let mut main = String::from("import sys\n\n");
    for other in 1..FILES {
        let _ = writeln!(main, "import part{other:02}");
    }
    let _ = write!(main, "\n\n{text}def main():\n    value = sys.argv[1] if len(sys.argv) > 1 else 'x'\n");
    for other in 1..FILES {
        let _ = writeln!(main, "    value = part{other:02}.step_{other}_0(value)");
    }
    main.push_str("    print(value)\n\n\nif __name__ == '__main__':\n    main()\n");
    ("main.py".to_owned(), main)
}

fn sigma(folder: &Path, store: &Path, arguments: &[&str]) -> Value {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_sigma"))
        .args(arguments)
        .current_dir(folder)
        .env("SIGMA_CONFIG", folder.join("config.toml"))
        .env("SIGMA_STORE", store)
        .output()
        .expect("sigma starts");
    assert!(status.success(), "{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("JSON")
}

/// The first field of this name, however deep it lies.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|field| find(field, name))),
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
