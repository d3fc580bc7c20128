//! Runs one file or folder in the sandbox and prints what it did: `run ENTRY [auto|namespaces|filtered]`.

use std::path::PathBuf;

use sigma_core::CodeLanguage;
use sigma_sandbox::{Code, File, Job, Kind, Sandbox, Tier};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(entry), tier) = (arguments.next(), arguments.next()) else { panic!("run ENTRY [TIER] [SUPERVISOR]") };
    let supervisor = arguments.next().map_or_else(
        || {
            let own = std::env::current_exe().expect("own path");
            own.ancestors().nth(2).expect("target folder").join("sigma-sandbox")
        },
        PathBuf::from,
    );
    let mut sandbox = Sandbox::new(vec![supervisor]);
    sandbox.tier = match tier.as_deref() {
        Some("namespaces") => Tier::Namespaces,
        Some("filtered") => Tier::Filtered,
        _ => Tier::Auto,
    };
    let name = PathBuf::from(&entry).file_name().expect("a file").to_string_lossy().into_owned();
    let language = if name.ends_with(".py") { CodeLanguage::Python } else { CodeLanguage::Node };
    let job = Job {
        language,
        code: Code::Files { files: vec![File { path: name.clone(), bytes: std::fs::read(&entry).expect("the file") }] },
        entry: name,
        kind: Kind::Auto,
        dependencies: None,
        declared_hosts: Vec::new(),
        arguments: None,
        harness: None,
    };
    println!("{}", serde_json::to_string_pretty(&sandbox.run(&job)).expect("JSON"));
}
