//! How the tests start the binary.

use std::path::Path;
use std::process::Command;

use sigma_testkit::FakeEcosystem;

/// `sigma` in a folder that is its home and holds its store, with nothing of the environment but a fake ecosystem.
pub fn sigma(folder: &Path, eco: &FakeEcosystem, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigma"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("SIGMA_STORE", folder.join("store"))
        .env("SIGMA_PYPI_INDEX", eco.pypi.index_url())
        .env("SIGMA_PYPI_JSON", eco.pypi.json_url())
        .env("SIGMA_NPM_REGISTRY", eco.npm.registry_url());
    command
}
