//! Finds the interpreters of this machine and what they need.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use sigma_core::{CodeLanguage, printable};
use thiserror::Error;

use crate::{Interpreters, Job};

/// Why an interpreter cannot be used.
#[derive(Debug, Error)]
pub enum InterpreterError {
    /// It is not there.
    #[error("{0} was not found")]
    NotFound(PathBuf),
    /// It could not be started.
    #[error("{0} could not be started: {1}")]
    NotStarted(PathBuf, std::io::Error),
    /// It does not say what it is.
    #[error("{0} did not tell its version and place: {1}")]
    Silent(PathBuf, String),
}

/// One interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interpreter {
    /// The program itself, without links.
    pub program: PathBuf,
    /// Such as `Python 3.13.5`.
    pub version: String,
    /// Its installation, bound read-only where it is not below `/usr`.
    pub prefix: Option<PathBuf>,
}

impl Interpreter {
    /// The interpreter of a language at a path, or by a name that `PATH` knows. It is started once, to tell about itself.
    pub fn locate(language: CodeLanguage, name: impl AsRef<Path>) -> Result<Self, InterpreterError> {
        let path = on_path(name.as_ref()).ok_or_else(|| InterpreterError::NotFound(name.as_ref().to_owned()))?;
        let script = match language {
            // Without the user's site folder and environment: only the installation counts. A virtual environment has the
            // program of its base.
            CodeLanguage::Python => [
                "-Ic",
                "import sys, platform; print(getattr(sys, '_base_executable', None) or sys.executable); \
                 print(sys.base_prefix); print('Python ' + platform.python_version())",
            ],
            CodeLanguage::Node => ["-e", "console.log(process.execPath + '\\n\\nNode.js ' + process.versions.node)"],
        };
        let output = Command::new(&path)
            .args(script)
            .output()
            .map_err(|error| InterpreterError::NotStarted(path.clone(), error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = text.lines().collect();
        let [program, prefix, version] = lines[..] else {
            let said = printable(&String::from_utf8_lossy(&output.stderr), 200);
            return Err(InterpreterError::Silent(path, said));
        };
        let program =
            std::fs::canonicalize(program).map_err(|error| InterpreterError::NotStarted(path.clone(), error))?;
        let prefix = match language {
            CodeLanguage::Python => std::fs::canonicalize(prefix).unwrap_or_else(|_| PathBuf::from(prefix)),
            // bin/node, beside lib and share.
            CodeLanguage::Node => program.ancestors().nth(2).unwrap_or(Path::new("/usr")).to_owned(),
        };
        let prefix = (!prefix.starts_with("/usr") && prefix != Path::new("/")).then_some(prefix);
        Ok(Self { program, version: printable(version, 60), prefix })
    }

    /// Whether this Node.js runs TypeScript when asked to (22.6).
    pub(crate) fn strips_types(&self, entry: &str) -> bool {
        is_typescript(entry) && self.node_version().is_some_and(|version| version >= (22, 6))
    }

    fn node_version(&self) -> Option<(u32, u32)> {
        let mut numbers = self.version.strip_prefix("Node.js ")?.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Why this interpreter cannot run a job, where it is known before.
    pub(crate) fn cannot_run(&self, job: &Job) -> Option<String> {
        let asked = is_typescript(&job.entry) && job.language == CodeLanguage::Node && job.harness.is_none();
        (asked && !self.strips_types(&job.entry))
            .then(|| format!("the entry point is TypeScript, which {} does not run (22.6 and later do)", self.version))
    }
}

fn is_typescript(entry: &str) -> bool {
    [".ts", ".mts", ".cts"].iter().any(|end| entry.ends_with(end))
}

impl Interpreters {
    /// The `python3` and `node` of `PATH`, as far as they are there.
    pub fn discover() -> Self {
        Self {
            python: Interpreter::locate(CodeLanguage::Python, "python3").ok(),
            node: Interpreter::locate(CodeLanguage::Node, "node").ok(),
        }
    }
}

fn on_path(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
