//! Against the real ecosystems: the resolver gives what `uv pip compile` and `npm install` give, and an audit of a handful
//! of small packages comes out as it should.
//!
//! It runs when `SIGMA_TEST_LIVE=1` is set and the ecosystems answer. Otherwise it says so in a line that begins with
//! `SKIPPED live check:`, and passes. A difference fails.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sigma_core::{Graph, Target};
use sigma_ecosystem::manifest::{self, ReadOptions};
use sigma_ecosystem::{EcosystemConfig, Ecosystems, Http, ResolveError};
use tempfile::TempDir;

/// An index page and a small file of each ecosystem: they show whether it answers.
const PYPI: [&str; 2] = [
    "https://pypi.org/simple/six/",
    "https://files.pythonhosted.org/packages/d9/5a/e7c31adbe875f2abbb91bd84cf2dc52d792b5a01506781dbcf25c91daf11/six-1.16.0-py2.py3-none-any.whl",
];
const NPM: [&str; 2] =
    ["https://registry.npmjs.org/is-number", "https://registry.npmjs.org/is-number/-/is-number-7.0.0.tgz"];

/// The resolver chooses as this npm on this Node.js does (`engines` decide between versions); others may choose otherwise.
const NPM_MAJOR: &str = "11.";
const NODE_MAJOR: &str = "v20.";

/// Name, requirements, platform, and uv's word for the platform.
const PYTHON_PROJECTS: [(&str, &str, &str, &str); 5] = [
    ("extras", "fastapi[standard]>=0.115\nhttpx[http2]>=0.27\n", "linux-x64", "x86_64-unknown-linux-gnu"),
    ("bounds", "django>=4.2,<5\nboto3>=1.34\npandas>=2.2\n", "linux-x64", "x86_64-unknown-linux-gnu"),
    (
        "sdist only",
        "langchain>=0.3\nrequests==2.31.0\ndocopt==0.6.2  # published as an sdist only\n",
        "linux-x64",
        "x86_64-unknown-linux-gnu",
    ),
    (
        "markers",
        "ipython>=8.20\nclick>=8.1\nuvicorn[standard]>=0.30\npywin32>=306; sys_platform == 'win32'\ngunicorn>=22; sys_platform != 'win32'\n",
        "windows-x64",
        "x86_64-pc-windows-msvc",
    ),
    ("wheels", "scikit-learn>=1.4\nblack>=24.1\npytest>=8\n", "macos-arm64", "aarch64-apple-darwin"),
];

/// Name and `package.json`.
const NODE_PROJECTS: [(&str, &str); 6] = [
    (
        "web server",
        r#"{"dependencies": {"express": "^4.19.2", "axios": "^1.7.0", "lodash": "^4.17.21", "webpack": "^5.90.0"}}"#,
    ),
    ("test runner", r#"{"dependencies": {"jest": "^29.7.0"}}"#),
    ("scoped", r#"{"dependencies": {"@modelcontextprotocol/sdk": "^1.0.0", "zod": "^3.23.8"}}"#),
    (
        "peers",
        r#"{"dependencies": {"eslint": "^8.57.0", "@typescript-eslint/eslint-plugin": "^6.21.0",
            "@typescript-eslint/parser": "^6.21.0", "typescript": "~5.3.3"}}"#,
    ),
    (
        "alias and overrides",
        r#"{"dependencies": {"express": "^4.18.0", "old-lodash": "npm:lodash@^3.10.0", "lodash": "^4.17.21"},
            "overrides": {"qs": "6.11.0", "body-parser": {"bytes": "3.1.0"}}}"#,
    ),
    (
        "platforms and bundles",
        r#"{"dependencies": {"vite": "^5.4.0", "react-dom": "^18.3.0", "@tailwindcss/postcss": "^4.1.0"}}"#,
    ),
];

/// Packages with the depth they are audited to.
const SMALL_PACKAGES: [(&str, &str); 5] = [
    ("pypi:six@1.16.0", "3"),
    ("pypi:idna@3.7", "3"),
    ("pypi:requests@2.31.0", "1"),
    ("npm:is-number@7.0.0", "3"),
    ("npm:left-pad@1.3.0", "3"),
];
const REQUESTS_SHA256: &str = "58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f";

#[test]
fn python_projects_resolve_as_uv_resolves_them() {
    run(|live| {
        live.reach(&PYPI)?;
        let uv = std::env::var_os("SIGMA_TEST_UV").unwrap_or_else(|| "uv".into());
        let version = version_of(&uv)?;
        for (name, requirements, platform, uv_platform) in PYTHON_PROJECTS {
            let target = Target { platform: platform.parse().unwrap(), ..Target::default() };
            live.compare(&format!("{name} for {platform}, {version}"), &PYPI, |folder| {
                std::fs::write(folder.join("requirements.txt"), requirements).unwrap();
                let mut command = Command::new(&uv);
                command
                    .args(["pip", "compile", "requirements.txt", "--python-version", "3.12"])
                    .args(["--python-platform", uv_platform, "--no-header", "--no-annotate", "--quiet"])
                    .args(["--no-config", "--default-index", "https://pypi.org/simple/", "--cache-dir", "uv-cache"])
                    .env_remove("MACOSX_DEPLOYMENT_TARGET");
                let listed = stdout(command.current_dir(folder))?;
                let theirs = listed.lines().map(|line| {
                    let (name, version) = line.split_once("==").unwrap_or_else(|| panic!("uv printed {line:?}"));
                    (name.to_owned(), version.to_owned())
                });
                let ours = live.resolve(&folder.join("requirements.txt"), &target)?;
                Ok(Comparison {
                    ours: installed(&ours),
                    theirs: theirs.collect(),
                    beside: String::new(),
                    ours_failed: unresolved(&ours),
                })
            })?;
        }
        Ok(())
    });
}

#[test]
fn node_projects_resolve_as_npm_resolves_them() {
    run(|live| {
        live.reach(&NPM)?;
        let (npm, node) = (version_of("npm")?, version_of("node")?);
        if !npm.starts_with(NPM_MAJOR) || !node.starts_with(NODE_MAJOR) {
            return Err(Skip(format!(
                "npm {npm} on Node.js {node} may choose otherwise than npm {NPM_MAJOR}x on Node.js {NODE_MAJOR}x"
            )));
        }
        for (name, package_json) in NODE_PROJECTS {
            live.compare(&format!("{name}, npm {npm}"), &NPM, |folder| {
                std::fs::write(folder.join("package.json"), package_json).unwrap();
                // Read before npm writes its lockfile, which would be more exact.
                let ours = live.resolve(&folder.join("package.json"), &Target::default())?;
                let mut command = Command::new("npm");
                command.args(["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]).args([
                    "--loglevel",
                    "error",
                    "--registry",
                    "https://registry.npmjs.org/",
                    "--cache",
                    "npm-cache",
                ]);
                stdout(command.current_dir(folder))?;
                let (theirs, bundled) = locked(&std::fs::read(folder.join("package-lock.json")).unwrap());
                // A lockfile is for all platforms: what the target does not get stands in it all the same.
                let left_out: BTreeSet<_> = ours.excluded.iter().filter_map(|text| left_out(text)).collect();
                let beside = format!(
                    ", {} of them not for the target; {bundled} more bundled inside others",
                    left_out.difference(&installed(&ours)).count()
                );
                let ours_failed = unresolved(&ours);
                Ok(Comparison { ours: &installed(&ours) | &left_out, theirs, beside, ours_failed })
            })?;
        }
        Ok(())
    });
}

#[test]
fn small_packages_are_audited_and_then_served_from_the_store() {
    run(|live| {
        live.reach(&PYPI)?;
        live.reach(&NPM)?;
        let folder = tempfile::tempdir().unwrap();
        for (package, depth) in SMALL_PACKAGES {
            let first = live.audit(folder.path(), package, depth)?;
            let entries = first["packageAnalysis"]["packages"].as_array().unwrap();
            for entry in entries {
                let shown = format!("{package}: {entry:#}");
                assert_eq!(entry["distributionSha256"].as_str().map(str::len), Some(64), "{shown}");
                // What is known against a version changes with time; without it these are harmless.
                let advisories = entry["registryAdvisoryCount"].as_u64().unwrap_or(0);
                let level = entry["securityLevel"].as_str().unwrap();
                assert!(matches!(level, "CLEAR" | "MONITORED") || advisories > 0 && level != "BLOCKED", "{shown}");
            }
            if package == "pypi:requests@2.31.0" {
                let requests = entries.iter().find(|entry| entry["packageName"] == "requests").unwrap();
                assert_eq!(requests["distributionSha256"], REQUESTS_SHA256);
            }
            let again = live.audit(folder.path(), package, depth)?;
            let entries_again = again["packageAnalysis"]["packages"].as_array().unwrap();
            assert_eq!(certified(entries_again), certified(entries), "{package}");
            for entry in entries_again {
                assert_eq!(entry["status"], "CERTIFIED_FROM_CACHE", "{package}: {entry:#}");
            }
            say(&format!("live check: audit of {package}: {} packages, the second time from the store", entries.len()));
        }
        Ok(())
    });
}

/// Why nothing was compared.
#[derive(Debug)]
struct Skip(String);

/// A check that failed, where the network may be to blame: it is skipped if the ecosystem no longer answers.
#[derive(Debug)]
struct Failure(String);

/// What a check works with.
struct Live {
    runtime: tokio::runtime::Runtime,
}

/// Names and versions.
type Packages = BTreeSet<(String, String)>;

/// Both answers to one manifest.
struct Comparison {
    ours: Packages,
    theirs: Packages,
    /// What else the summary says.
    beside: String,
    /// What the resolver could not resolve.
    ours_failed: Vec<String>,
}

/// Runs a check, or says why not.
fn run(check: impl FnOnce(&Live) -> Result<(), Skip>) {
    if std::env::var_os("SIGMA_TEST_LIVE").is_none_or(|value| value != "1") {
        return say("SKIPPED live check: SIGMA_TEST_LIVE is not set");
    }
    // As the binary has it: resolvers and parsers recurse.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build().unwrap();
    if let Err(Skip(why)) = check(&Live { runtime }) {
        say(&format!("SKIPPED live check: {why}"));
    }
}

/// Prints one line at once, so that lines of tests that run side by side do not mix.
fn say(line: &str) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}

impl Live {
    /// Short requests, to see whether an ecosystem answers at all.
    fn reach(&self, urls: &[&str]) -> Result<(), Skip> {
        let limit = Duration::from_secs(10);
        let config = EcosystemConfig {
            connect_timeout: limit,
            read_timeout: limit,
            total_timeout: limit,
            attempts: 1,
            ..EcosystemConfig::official(std::env::temp_dir())
        };
        let http = Http::new(Arc::new(config)).map_err(|error| Skip(error.to_string()))?;
        for url in urls {
            let url = url.parse().unwrap();
            self.runtime.block_on(http.get(&url, "*/*")).map_err(|error| Skip(error.to_string()))?;
        }
        Ok(())
    }

    /// Compares until both sides agree, twice at most: a release may appear between one answer and the other.
    fn compare(
        &self,
        name: &str,
        urls: &[&str],
        answers: impl Fn(&Path) -> Result<Comparison, Failure>,
    ) -> Result<(), Skip> {
        let mut difference = String::new();
        for _ in 0..2 {
            let folder = tempfile::tempdir().unwrap();
            let Comparison { ours, theirs, beside, ours_failed } = match answers(folder.path()) {
                Ok(comparison) => comparison,
                Err(Failure(why)) => {
                    self.reach(urls)?;
                    difference = why;
                    continue;
                }
            };
            if ours == theirs && ours_failed.is_empty() {
                assert!(!ours.is_empty(), "{name}: nothing was compared");
                say(&format!("live check: {name}: {} packages, the same on both sides{beside}", ours.len()));
                return Ok(());
            }
            difference = format!(
                "only SIGMA has: {}\nonly the installer has: {}\nnot resolved by SIGMA: {}",
                listed(ours.difference(&theirs)),
                listed(theirs.difference(&ours)),
                ours_failed.join("; ")
            );
        }
        panic!("{name}:\n{difference}");
    }

    /// What the resolver gives for a manifest, with a cache of its own beside it.
    fn resolve(&self, file: &Path, target: &Target) -> Result<Graph, Failure> {
        let project = manifest::read(file, &ReadOptions::default()).unwrap();
        let [manifest] = project.manifests.as_slice() else { panic!("got {:?}", project.manifests) };
        assert_eq!(manifest.refused, []);
        let cache = TempDir::new_in(file.parent().unwrap()).unwrap();
        let ecosystems = Ecosystems::new(EcosystemConfig::official(cache.path().to_owned())).unwrap();
        let resolved = self.runtime.block_on(ecosystems.resolve(manifest, target));
        resolved.map_err(|error: ResolveError| Failure(format!("the resolver: {error}")))
    }

    /// The JSON answer of one audit, which has to pass.
    fn audit(&self, folder: &Path, package: &str, depth: &str) -> Result<Value, Skip> {
        let config = folder.join("empty.toml");
        std::fs::write(&config, "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
        command.args(["audit", "--format", "json", "--package", package, "--depth", depth]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SIGMA_")) {
            command.env_remove(name);
        }
        let output = command.arg("--config").arg(config).arg("--store").arg(folder.join("store")).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.code() != Some(0) || answer["decision"] != "pass" {
            self.reach(&PYPI)?;
            self.reach(&NPM)?;
            panic!("{package}: {}\n{}\n{answer:#}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(answer)
    }
}

fn version_of(program: impl Into<OsString>) -> Result<String, Skip> {
    let program = program.into();
    let output: Output = (Command::new(&program).arg("--version").output())
        .map_err(|error| Skip(format!("{} cannot be run: {error}", program.display())))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn stdout(command: &mut Command) -> Result<String, Failure> {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Failure(format!("{command:?}: {}\n{}", output.status, text(&output.stderr)))),
    }
}

/// Names and versions in a `package-lock.json`, less what comes inside another package's tarball, and how many those are.
fn locked(bytes: &[u8]) -> (Packages, usize) {
    let lock: BTreeMap<String, Value> = serde_json::from_slice(bytes).unwrap();
    let packages = lock["packages"].as_object().unwrap().iter().filter(|(path, _)| !path.is_empty());
    let (bundled, others): (Vec<_>, Vec<_>) = packages.partition(|(_, entry)| entry["inBundle"] == json!(true));
    let others = others.into_iter().map(|(path, entry)| {
        // The name is written where it is not the folder's: an alias.
        let folder = path.rsplit("node_modules/").next().unwrap();
        let name = entry["name"].as_str().unwrap_or(folder);
        (name.to_owned(), entry["version"].as_str().unwrap().to_owned())
    });
    (others.collect(), bundled.len())
}

fn installed(graph: &Graph) -> Packages {
    graph.packages.iter().map(|package| (package.id.name().to_string(), package.id.version().to_owned())).collect()
}

/// Reads `name@version (why)`; other entries have no version.
fn left_out(text: &str) -> Option<(String, String)> {
    let (id, _) = text.split_once(" (")?;
    let (name, version) = id.rsplit_once('@').filter(|(name, _)| !name.is_empty() && !id.contains(' '))?;
    Some((name.to_owned(), version.to_owned()))
}

fn unresolved(graph: &Graph) -> Vec<String> {
    graph.unresolved.iter().map(|unresolved| format!("{}: {}", unresolved.name, unresolved.detail)).collect()
}

fn certified(entries: &[Value]) -> Vec<&Value> {
    entries.iter().map(|entry| &entry["certificateId"]).collect()
}

fn listed<'a>(packages: impl Iterator<Item = &'a (String, String)>) -> String {
    packages.map(|(name, version)| format!("{name}@{version}")).collect::<Vec<_>>().join(" ")
}
