//! How code is exercised: a few starts, chosen by what kind of program it is, without a model.

use serde_json::{Value, json};
use sigma_core::CodeLanguage;

use super::prepare::Places;
use crate::canary::Canaries;
use crate::{Kind, Request};

/// One start of the program.
pub struct Start {
    /// What it is, as it will be told.
    pub what: String,
    /// What the program gets as its arguments.
    pub arguments: Vec<String>,
    /// What it reads on standard input; nothing where it is spoken to.
    pub input: Option<Vec<u8>>,
    /// Whether the entry point is started as a program, and not imported by the harness.
    pub as_program: bool,
    /// The word by which the harness knows what to do.
    pub mode: &'static str,
    /// Whether its end tells how it went. Of what the harness does itself, it tells each part.
    pub by_exit: bool,
}

/// The starts for these kinds of program, in order.
pub fn starts(request: &Request, kinds: &[Kind], places: &Places) -> Vec<Start> {
    let program = |what: String, arguments: Vec<String>| Start {
        what,
        arguments,
        input: Some(Vec::new()),
        as_program: true,
        mode: "program",
        by_exit: true,
    };
    if request.job.harness.is_some() {
        return vec![Start {
            mode: "own",
            as_program: false,
            ..program("ran a harness of its own".to_owned(), Vec::new())
        }];
    }
    let mut out = Vec::new();
    for kind in kinds {
        match (kind, &request.job.arguments) {
            (Kind::Cli, Some(lists)) => {
                for list in lists.iter().take(20) {
                    out.push(program(format!("started with `{}`", list.join(" ")), list.clone()));
                }
            }
            (Kind::Cli | Kind::Auto, _) => {
                let file = places.temporary.join("sample.txt").to_string_lossy().into_owned();
                out.push(program("started without arguments".to_owned(), Vec::new()));
                out.push(program("started with `--help`".to_owned(), vec!["--help".to_owned()]));
                out.push(program("started with `hello`".to_owned(), vec!["hello".to_owned()]));
                out.push(Start {
                    input: Some(b"hello\n".to_vec()),
                    ..program(
                        "started with the path of a text file, and a line on standard input".to_owned(),
                        vec![file],
                    )
                });
            }
            (Kind::McpServer, _) => out.push(Start {
                what: "started as an MCP server".to_owned(),
                arguments: Vec::new(),
                input: None,
                as_program: true,
                mode: "program",
                by_exit: false,
            }),
            (Kind::Module | Kind::HttpHandler, _) => {
                let (what, mode) = match kind {
                    Kind::Module => ("imported as a module", "module"),
                    _ => ("driven as an HTTP handler", "http"),
                };
                out.push(Start { mode, as_program: false, by_exit: false, ..program(what.to_owned(), Vec::new()) });
            }
        }
    }
    out
}

/// What the harness is told, on its channel: one line.
pub fn instructions(request: &Request, places: &Places, canaries: &Canaries, start: &Start, nonce: &str) -> Value {
    let entry = places.app.join(&request.job.entry);
    json!({
        "nonce": nonce,
        "mode": start.mode,
        "app": places.app.to_string_lossy(),
        "entry": entry.to_string_lossy(),
        "arguments": start.arguments,
        "language": match request.job.language { CodeLanguage::Python => "python", CodeLanguage::Node => "node" },
        "canaries": canaries.environment.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "dependencies": places.dependencies.as_ref().map(|path| path.to_string_lossy()),
        "textFile": places.temporary.join("sample.txt").to_string_lossy(),
        "temporary": places.temporary.to_string_lossy(),
    })
}
