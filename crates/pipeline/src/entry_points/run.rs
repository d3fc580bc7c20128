//! Runs the commands of one package, each by itself, with `--help`.

use std::path::Path;

use sigma_core::{CodeLanguage, Ecosystem, EntryPointRun, EntryPointRuns, Execution, ResolvedPackage, printable};
use sigma_sandbox::{Code, File, Job, Kind, Sandbox};

use super::declared::{Command, commands, node_program, python_command};
use crate::review::{Installable, Installed, package_folder};
use crate::{AuditError, Hall, Progress, Step};

/// What each command is started with.
pub(crate) const ARGUMENTS: &[&str] = &["--help"];
/// Commands of one package that are run: nearly all have one or two, and each run may take its whole time.
const MAX_RUN: usize = 5;
/// Milliseconds of one run at most. Help is printed at once; the rest is for slow machines.
const MAX_WALL: u64 = 15_000;

impl Hall {
    /// Runs the commands of `packages[0]`, with the others laid out beside it. The outer error is ours.
    pub(super) async fn start_commands(
        &self,
        packages: Vec<ResolvedPackage>,
        progress: &dyn Progress,
    ) -> Result<EntryPointRuns, AuditError> {
        let skipped = |why: String| Ok(EntryPointRuns::skipped(why, self.now()));
        let mut sandbox = match &self.review.sandbox {
            Ok(sandbox) => sandbox.clone(),
            Err(why) => return skipped(why.clone()),
        };
        sandbox.limits.wall_ms = sandbox.limits.wall_ms.min(MAX_WALL);
        let Some(package) = packages.first().map(|package| package.id.clone()) else {
            return Err(AuditError::Internal("a package to be run is not there".to_owned()));
        };
        let language = match package.ecosystem() {
            Ecosystem::Pypi => CodeLanguage::Python,
            Ecosystem::Npm => CodeLanguage::Node,
        };
        let laid_out = packages.len() as u64 - 1;
        let ready = match self.installables(packages, progress).await? {
            Ok(ready) => ready,
            Err(why) => return skipped(format!("its packages could not be laid out: {why}")),
        };
        let name = package.to_string();
        progress.step(Step::Running { submission: &name });
        let _turn = self.review.runs.acquire().await.map_err(|error| AuditError::Internal(error.to_string()))?;
        let ran = tokio::task::spawn_blocking(move || start_all(&sandbox, language, &ready));
        let ran = ran.await.map_err(|error| AuditError::Internal(format!("the commands of {name}: {error}")))?;
        match ran {
            Ok((runs, declared, missing)) => {
                Ok(EntryPointRuns { obstacle: None, runs, declared: Some(declared), laid_out, missing, at: self.now() })
            }
            Err(error) => skipped(format!("its packages could not be laid out: {error}")),
        }
    }
}

/// The runs, how many commands are declared, and what could not be laid out. Blocking.
fn start_all(
    sandbox: &Sandbox,
    language: CodeLanguage,
    packages: &[Installable],
) -> std::io::Result<(Vec<EntryPointRun>, u64, Vec<String>)> {
    let first = packages.first().ok_or_else(|| std::io::Error::other("nothing is to be laid out"))?;
    let declared = commands(first.kind, &first.filename, &first.path)?;
    let installed = crate::review::install(language, packages)?;
    let start = |command: &Command| {
        let execution = match job(language, command, first, &installed) {
            Ok(job) => of_command(sandbox.run(&job), language),
            Err(why) => Execution::skipped(why),
        };
        EntryPointRun { command: printable(&command.name, 200), target: printable(&command.target, 200), execution }
    };
    let runs = declared.iter().take(MAX_RUN).map(start).collect();
    Ok((runs, declared.len() as u64, installed.missing.clone()))
}

fn job(language: CodeLanguage, command: &Command, package: &Installable, installed: &Installed) -> Result<Job, String> {
    let (code, entry) = match language {
        // As installers do: a small program beside the packages, called as the user calls it.
        CodeLanguage::Python => {
            let bytes = python_command(command)?;
            let path = if plain(&command.name) { command.name.clone() } else { "command".to_owned() };
            (Code::Files { files: vec![File { path: path.clone(), bytes }] }, path)
        }
        CodeLanguage::Node => {
            let folder = package_folder(installed, &package.package.id);
            (Code::Folder { path: folder.clone() }, node_program(&command.target, &folder)?)
        }
    };
    Ok(Job {
        language,
        code,
        entry,
        kind: Kind::Cli,
        dependencies: Some(installed.path().to_owned()),
        declared_hosts: Vec::new(),
        arguments: Some(vec![ARGUMENTS.iter().map(|one| (*one).to_owned()).collect()]),
        harness: None,
    })
}

/// Whether a name can be that of a file.
fn plain(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().all(word) && !name.starts_with('.') && name.len() <= 100 && Path::new(name).file_name().is_some()
}

/// A run as it is told of a command. For Python only the small program lies in the code's folder, so that functions of the
/// package are not counted, and "none of none" would be told.
fn of_command(execution: Execution, language: CodeLanguage) -> Execution {
    match language {
        CodeLanguage::Python => Execution { functions_reached: 0, functions_total: None, ..execution },
        CodeLanguage::Node => execution,
    }
}
