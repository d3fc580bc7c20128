//! What is stolen, how it is read, how it is carried and how it leaves, all pairs of them: holes are found by construction.
//!
//! In: `python.txt` and `javascript.txt`, pieces of code by dimension. Out: small packages in which every two values of two
//! dimensions meet at least once, in a fixed order. Each has a level that it should reach; those that do not are listed in
//! `holes.txt` by the value that explains them. Hosts cannot exist (RFC 2606); nothing here is run.

mod javascript;
mod pairs;
mod pieces;
mod python;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use sigma_analysis::{Analyser, Limits};
use sigma_core::{DistributionKind, SecurityLevel};
use sigma_scan::sample::{Form, Label, Sample, Shape};
use sigma_scan::scan_bytes;

/// A small package and the level that it should reach.
pub struct Cell {
    /// Values by dimension.
    pub values: Vec<(&'static str, String)>,
    /// The level that it should reach at least.
    pub expect: SecurityLevel,
    /// What it is.
    pub kind: DistributionKind,
    /// Its files.
    pub files: Vec<(String, String)>,
}

fn level(analyser: &Analyser, cell: &Cell) -> (SecurityLevel, String) {
    let package = match cell.kind {
        DistributionKind::NpmTarball => "npm:demo@1.0.0",
        _ => "pypi:demo@1.0.0",
    };
    let files = cell.files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect();
    let sample = Sample {
        title: String::new(),
        label: Label::Malicious,
        package: package.parse().unwrap(),
        form: Form::Built(cell.kind),
        family: String::new(),
        technique: String::new(),
        modelled_on: String::new(),
        shape: Shape::Plain,
        expect: cell.expect,
        files,
    };
    let (name, bytes) = sample.archive().unwrap();
    let scan = scan_bytes(analyser, Path::new(&name), Cursor::new(bytes)).unwrap();
    let rules: Vec<String> = scan.report.distributions[0].rule_hits.keys().cloned().collect();
    (scan.ruling.level, rules.join(" "))
}

fn dump(name: &str, cells: Vec<Cell>) {
    let analyser = Analyser::new(Limits::default());
    let mut out = Vec::new();
    let (mut blocked, mut caution, mut met) = (0, 0, 0);
    let all = cells.len();
    for cell in cells {
        let (reached, rules) = level(&analyser, &cell);
        blocked += usize::from(reached >= SecurityLevel::Blocked);
        caution += usize::from(reached >= SecurityLevel::Caution);
        met += usize::from(reached >= cell.expect);
        let values: BTreeMap<&str, &str> = cell.values.iter().map(|(a, b)| (*a, b.as_str())).collect();
        out.push(serde_json::json!({"values": values, "level": reached.to_string(), "expect": cell.expect.to_string(), "rules": rules,
            "files": cell.files, "met": reached >= cell.expect}));
    }
    println!("{name}: {all} cells, {blocked} BLOCKED, {caution} CAUTION, {met} as expected");
    if let Ok(folder) = std::env::var("MATRIX") {
        std::fs::write(format!("{folder}/{name}.json"), serde_json::to_string(&out).unwrap()).unwrap();
    }
}

#[test]
fn python_theft() {
    dump("python-theft", python::theft());
}

#[test]
fn python_droppers() {
    dump("python-droppers", python::droppers());
}

#[test]
fn javascript_theft() {
    dump("javascript-theft", javascript::theft());
}

#[test]
fn javascript_droppers() {
    dump("javascript-droppers", javascript::droppers());
}
