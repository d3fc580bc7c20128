//! However many threads read the files of a distribution, they are told in their order.

use std::io::Write as _;

use super::*;

/// More files than wait for their turn: programs of which every seventh says something, texts, binaries, an archive inside, and
/// one file that is too large.
fn many() -> Vec<(String, Vec<u8>)> {
    let inner = zipped(&[("demo/hidden.py".to_owned(), b"import os\nos.system('id')\n".to_vec())]);
    let mut files: Vec<(String, Vec<u8>)> = (0..700)
        .map(|number| {
            let called = format!("from .m{} import run{number}\n", (number * 7) % 700);
            match number % 7 {
                0 => (
                    format!("demo/m{number}.py"),
                    format!("{called}import os\nos.system('id {number}')\n").into_bytes(),
                ),
                1 => (format!("demo/m{number}.txt"), format!("see https://example.org/{number}\n").into_bytes()),
                2 => (format!("demo/m{number}.so"), format!("\x7fELF\x02\x01{number}").into_bytes()),
                3 => (format!("demo/broken{number}.py"), format!("def (:\nx = {number}\n").into_bytes()),
                _ => (
                    format!("demo/m{number}.py"),
                    format!("{called}def run{number}(x):\n    return x + {number}\n").into_bytes(),
                ),
            }
        })
        .collect();
    files.insert(200, ("demo/data.zip".to_owned(), inner));
    files.insert(450, ("demo/large.py".to_owned(), b"x = 1\n".repeat(20_000)));
    files
}

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        archive.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn limits() -> Limits {
    Limits { file_bytes: 64 << 10, ..Limits::default() }
}

#[test]
fn an_archive_has_one_report() {
    let (package, bytes) = (package(), zipped(&many()));
    let on = |threads: usize| {
        let (package, filename) = (Named::Published(&package), "demo-1.0.0-py3-none-any.whl");
        let (kind, digests) = (DistributionKind::Wheel, digests(&bytes));
        let input = Input { package, filename, kind, digests, bytes: &mut Cursor::new(&bytes[..]) };
        Analyser::new(limits()).on_threads(threads).analyse(input)
    };
    let alone = on(1);
    assert!(bytes.len() as u64 > SMALL, "worth several threads");
    assert_eq!(alone.report.rule_hits["process-spawn"], 101, "those in the archive inside, too");
    assert_eq!(alone.report.coverage.files, 703);
    for threads in [2, 5] {
        assert_eq!(on(threads), alone, "{threads} threads");
    }
}

#[test]
fn a_tree_has_one_report() {
    let files = many();
    let on = |threads: usize| {
        let analyser = Analyser::new(limits()).on_threads(threads);
        analyser.analyse_tree(DistributionKind::Wheel, "demo", digests(b""), None, &mut |tell| {
            for (number, (path, bytes)) in files.iter().enumerate() {
                let (size, sha256) = (bytes.len() as u64, Sha256::of(bytes));
                let bytes = &bytes[..bytes.len().min(64 << 10)];
                tell(Loose::File { path, size, sha256, bytes });
                if number % 100 == 0 {
                    let (path, detail) = (format!("link{number}"), "got a link".to_owned());
                    tell(Loose::Skipped(Skipped { path, reason: SkipReason::Unsupported, detail }));
                }
            }
        })
    };
    let alone = on(1);
    assert_eq!(alone.report.coverage.skipped_total, alone.report.coverage.token_scanned + 8 + 1);
    for threads in [2, 5] {
        assert_eq!(on(threads), alone, "{threads} threads");
    }
}
