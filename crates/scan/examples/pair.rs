//! What is new between two archives of one package: `cargo run -p sigma-scan --example pair -- OLD NEW [OLD NEW]...`.
//! Prints the level with and without the earlier version, the council's reasons, and what is new.

use std::path::Path;

use sigma_analysis::{Analyser, Limits};
use sigma_core::printable;
use sigma_scan::{scan, scan_pair};

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let analyser = Analyser::new(Limits::default());
    for pair in paths.chunks_exact(2) {
        let (old, new) = (Path::new(&pair[0]), Path::new(&pair[1]));
        match (scan(&analyser, new), scan_pair(&analyser, old, new)) {
            (Ok(alone), Ok(after)) => {
                println!("{} {} -> {}", after.report.package, alone.ruling.level, after.ruling.level);
                for warning in &after.ruling.warnings {
                    println!("  {:?} {}: {}", warning.severity, warning.code, printable(&warning.message, 300));
                }
                println!("  {}", serde_json::to_string(&after.delta).unwrap_or_default());
            }
            (Err(error), _) | (_, Err(error)) => println!("{error}"),
        }
    }
}
