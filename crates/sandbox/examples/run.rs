//! Runs a file in the sandbox and prints what it did, as JSON: `run ENTRY [TIER [DEPENDENCIES]]`, with the supervisor that was
//! built beside it. The tier is `auto`, `namespaces` or `filtered`.

use std::path::PathBuf;

use sigma_core::CodeLanguage;
use sigma_sandbox::{Code, File, Job, Kind, Sandbox, Tier};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(entry) = arguments.first() else { panic!("run ENTRY [TIER [DEPENDENCIES]]") };
    let own = std::env::current_exe().expect("own path");
    let folder = own.ancestors().nth(2).expect("the target folder");
    let mut sandbox = Sandbox::new(vec![folder.join("sigma-sandbox")]);
    sandbox.tier = match arguments.get(1).map(String::as_str) {
        Some("namespaces") => Tier::Namespaces,
        Some("filtered") => Tier::Filtered,
        _ => Tier::Auto,
    };
    let name = PathBuf::from(entry).file_name().expect("a file").to_string_lossy().into_owned();
    let job = Job {
        language: if name.ends_with(".py") { CodeLanguage::Python } else { CodeLanguage::Node },
        code: Code::Files { files: vec![File { path: name.clone(), bytes: std::fs::read(entry).expect("the file") }] },
        entry: name,
        kind: Kind::Auto,
        dependencies: arguments.get(2).map(PathBuf::from),
        declared_hosts: Vec::new(),
        arguments: None,
        harness: None,
    };
    println!("{}", serde_json::to_string_pretty(&sandbox.run(&job)).expect("JSON"));
}
