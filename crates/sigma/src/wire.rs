//! The composition root: which room gets which.

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use sigma_analysis::{Analyser, Limits};
use sigma_core::Timestamp;
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{Hall, HallConfig};
use sigma_store::Store;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::config::Config;

/// Logs go to standard error: errors by default, more with `-v`, exactly what `SIGMA_LOG` says if it is set.
pub fn logging(verbose: u8) {
    let default = match verbose {
        // Nothing: what a result says need not be said twice.
        0 => "error",
        1 => "warn,sigma=info,sigma_pipeline=info,sigma_ecosystem=info",
        _ => "info,sigma=debug,sigma_pipeline=debug,sigma_ecosystem=debug",
    };
    let filter = EnvFilter::try_from_env("SIGMA_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colored = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let writer = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colored).without_time();
    writer.with_env_filter(filter).init();
}

/// The runtime for everything that waits; what computes has threads of its own.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Configuration, with the command line's word as the last.
pub fn config(args: &Args) -> Result<Config> {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(store) = &args.store {
        config.store.clone_from(store);
    }
    Ok(config)
}

/// Opens the store.
pub async fn store(config: &Config) -> Result<Store> {
    Store::open(&config.store).await.with_context(|| format!("cannot open the store at {}", config.store.display()))
}

/// Puts the hall together.
pub fn hall(config: &Config, store: Store, offline: bool) -> Result<Hall> {
    let ecosystems = Ecosystems::new(EcosystemConfig {
        pypi_index: config.pypi_index.clone(),
        pypi_json: config.pypi_json.clone(),
        npm_registry: config.npm_registry.clone(),
        file_hosts: config.file_hosts.clone(),
        offline,
        ..EcosystemConfig::official(config.store.join("cache"))
    })?;
    let clock = Arc::new(|| Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()));
    let limits = HallConfig { prices: config.prices, ..HallConfig::default() };
    Ok(Hall::new(ecosystems, store, Analyser::new(Limits::default()), clock, limits)?)
}
