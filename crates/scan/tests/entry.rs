//! What a declared entry point reaches, in trees that are written here: inert, and never run.

use std::path::Path;

use sigma_analysis::{Analyser, Limits};
use sigma_scan::{Scan, scan_folder};

fn scan(files: &[(&str, &str)], entry: Option<&str>) -> Scan {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    scan_folder(&Analyser::new(Limits::default()), folder.path(), entry).unwrap()
}

/// Whether each process that is started is reached, by file and line.
fn started(scan: &Scan) -> Vec<String> {
    let spawns = scan.report.distributions[0].findings.iter().filter(|finding| finding.rule == "process-spawn");
    let mut lines: Vec<String> = spawns
        .map(|finding| {
            let reached = match finding.reached {
                Some(true) => "reached",
                Some(false) => "not reached",
                None => "-",
            };
            let path = finding.file.split_once('/').unwrap().1;
            format!("{path}:{} {reached}", finding.line)
        })
        .collect();
    lines.sort();
    lines
}

const PYTHON: &[(&str, &str)] = &[
    (
        "server/main.py",
        "import os\nfrom tools import files\nfrom server.jobs import run\nimport lazy\n\n\
         def unused():\n    os.system('id')\n\n\
         def main():\n    run('id')\n    lazy.start()\n\n\
         if __name__ == '__main__':\n    main()\n",
    ),
    ("server/__init__.py", "import os\nos.system('id')\n"),
    (
        "server/jobs.py",
        "import os, subprocess, sys\n\ndef run(command):\n    os.system(command)\n\n\
         def other():\n    os.system('id')\n\n\
         def worker():\n    import server.late\n    subprocess.run([sys.executable, 'worker.py'])\n",
    ),
    ("server/late.py", "import os\nos.system('id')\n"),
    ("server/worker.py", "import os\nos.system('id')\n"),
    ("server/lazy.py", "import server.jobs\ndef start():\n    server.jobs.worker()\n"),
    ("tools/__init__.py", ""),
    (
        "tools/files.py",
        "import os\nfrom mcp import tool\n\n@tool()\ndef listed():\n    os.system('id')\n\n\
         class Reader:\n    def read(self):\n        os.system('id')\n\n\
         def left_over():\n    os.system('id')\n",
    ),
    ("tools/dead.py", "import os\nos.system('id')\n"),
    ("pyproject.toml", "[project]\nname = 'demo'\n"),
];

#[test]
fn python_is_followed_from_its_entry_point() {
    insta::assert_snapshot!(started(&scan(PYTHON, Some("server/main.py"))).join("\n"), @r"
    server/__init__.py:2 reached
    server/jobs.py:11 reached
    server/jobs.py:4 reached
    server/jobs.py:7 not reached
    server/late.py:2 reached
    server/main.py:7 reached
    server/worker.py:2 reached
    tools/dead.py:2 not reached
    tools/files.py:10 reached
    tools/files.py:13 not reached
    tools/files.py:6 reached
    ");
}

const TYPESCRIPT: &[(&str, &str)] = &[
    (
        "src/index.ts",
        "import { run } from './run.js';\nimport type { Options } from './types';\n\
         const lazy = () => import('./lazy.js');\n\
         export const tool = { handler: async (o: Options) => { run(o.name); await lazy(); } };\n\
         require('child_process').fork('./src/child.js');\n",
    ),
    (
        "src/run.ts",
        "import { execSync } from 'node:child_process';\n\
         export function run(name: string) { execSync(name); }\n\
         export function other() { execSync('id'); }\n",
    ),
    ("src/lazy.tsx", "import { execSync } from 'node:child_process';\nexecSync('id');\n"),
    ("src/types.ts", "import { execSync } from 'node:child_process';\nexecSync('id');\n"),
    ("src/child.js", "require('child_process').execSync('id');\n"),
    ("src/dead.ts", "import { execSync } from 'node:child_process';\nexecSync('id');\n"),
    ("package.json", "{\"name\": \"demo\", \"version\": \"1.0.0\"}"),
];

#[test]
fn typescript_is_followed_from_its_entry_point() {
    insta::assert_snapshot!(started(&scan(TYPESCRIPT, Some("./src/index.ts"))).join("\n"), @r"
    src/child.js:1 reached
    src/dead.ts:2 not reached
    src/index.ts:5 reached
    src/lazy.tsx:2 reached
    src/run.ts:2 reached
    src/run.ts:3 not reached
    src/types.ts:2 not reached
    ");
}

#[test]
fn without_an_entry_point_nothing_is_said() {
    assert!(started(&scan(PYTHON, None)).iter().all(|line| line.ends_with(" -")));
    // A text that tells an agent what to do starts nothing that can be followed, and the coverage says so.
    let files = [PYTHON, &[("SKILL.md", "# A skill\n")]].concat();
    let scan = scan(&files, Some("SKILL.md"));
    assert!(started(&scan).iter().all(|line| line.ends_with(" -")));
    let coverage = &scan.report.distributions[0].coverage;
    assert!(coverage.has_gaps() && coverage.skipped.iter().any(|skipped| skipped.path == "SKILL.md"));
}

#[test]
fn archives_inside_a_folder_are_opened() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("inner/b.py", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, b"import os\nos.system('id')\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
    let analyser = Analyser::new(Limits::default());
    let plain = scan_folder(&analyser, folder.path(), None).unwrap();
    std::fs::write(folder.path().join("lib.dat"), zip.finish().unwrap().into_inner()).unwrap();
    let scan = scan_folder(&analyser, folder.path(), None).unwrap();
    assert_eq!(started(&scan), ["lib.dat!/inner/b.py:2 -"]);
    assert!(!scan.report.distributions[0].coverage.has_gaps());
    assert_ne!(plain.report.distributions[0].digests.sha256, scan.report.distributions[0].digests.sha256);
}

#[test]
fn an_entry_point_lies_inside_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "").unwrap();
    let tried = |entry: &str| scan_folder(&Analyser::new(Limits::default()), folder.path(), Some(entry));
    assert!(tried("a.py").is_ok());
    let outside = [Path::new("/etc/passwd"), Path::new("../a.py"), Path::new("b.py"), Path::new(".")];
    assert!(outside.iter().all(|entry| tried(entry.to_str().unwrap()).is_err()));
}
