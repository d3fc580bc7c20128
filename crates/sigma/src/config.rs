//! Configuration: defaults, then the user's file, then `SIGMA_*` variables, then the command line. Nothing is ever
//! read from the project under audit: it belongs to a stranger.

mod chain;
pub mod check;
mod ledger;
mod review;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use etcetera::BaseStrategy;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sigma_ecosystem::EcosystemConfig;
use sigma_pipeline::{PriceTable, WorkerConfig};
use sigma_server::{AuditsConfig, ServerConfig};
use url::Url;

pub use chain::{ChainConfig, address};
pub use ledger::LedgerConfig;
pub use review::{CouncilConfig, ReviewConfig, SUPERVISOR, SandboxConfig};

/// A configuration file with every default and what it means. A test compares it with [`Config::defaults`].
pub const DEFAULTS: &str = include_str!("config/defaults.toml");

/// Variables that are settings, beside those of the command line.
const VARIABLES: &[(&str, &str)] = &[
    ("SIGMA_PYPI_INDEX", "pypi_index"),
    ("SIGMA_PYPI_JSON", "pypi_json"),
    ("SIGMA_NPM_REGISTRY", "npm_registry"),
    ("SIGMA_FILE_HOSTS", "file_hosts"),
    ("SIGMA_API_BASE", "api_base"),
    ("SIGMA_BLOBS_URL", "blobs.url"),
    ("SIGMA_CHAIN_NODE", "chain.node"),
    ("SIGMA_SANDBOX_SOCKET", "sandbox.socket"),
];

/// The configuration file's content. Every field has a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the store.
    pub store: PathBuf,
    /// PostgreSQL instead of SQLite in the store's folder: `postgres://USER:PASSWORD@HOST/DATABASE`.
    #[serde(default)]
    pub database_url: Option<String>,
    /// Where distributions are kept, beside the store's folder.
    #[serde(default)]
    pub blobs: BlobsConfig,
    /// PyPI's Simple API.
    pub pypi_index: Url,
    /// PyPI's JSON API, asked for advisories.
    pub pypi_json: Url,
    /// The npm registry.
    pub npm_registry: Url,
    /// Hosts that files may also be fetched from and that redirects may lead to.
    pub file_hosts: Vec<String>,
    /// Base of the API that certificates name as their verify endpoint.
    pub api_base: Url,
    /// Prices in whole USD.
    pub prices: PriceTable,
    /// How many packages of one submission are audited.
    #[serde(default)]
    pub audits: AuditsConfig,
    /// What analysis does beside the built-in rules.
    #[serde(default)]
    pub analysis: AnalysisConfig,
    /// What is accepted.
    #[serde(default)]
    pub policy: PolicyConfig,
    /// Which roots attestations of packages are checked against.
    #[serde(default)]
    pub provenance: ProvenanceConfig,
    /// Limits of the server.
    #[serde(default)]
    pub server: ServerConfig,
    /// Limits of workers.
    #[serde(default)]
    pub worker: WorkerConfig,
    /// What is reviewed of submissions.
    #[serde(default)]
    pub review: ReviewConfig,
    /// How submitted code is run.
    #[serde(default)]
    pub sandbox: SandboxConfig,
    /// Who decides beside the embedded validators.
    #[serde(default)]
    pub council: CouncilConfig,
    /// Where certificates are signed and logged.
    #[serde(default)]
    pub ledger: LedgerConfig,
    /// Where certificates are put on a chain.
    #[serde(default)]
    pub chain: ChainConfig,
}

/// `[blobs]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobsConfig {
    /// A bucket that several machines share: `s3://BUCKET/PREFIX`. Region, endpoint and keys come from the variables of the AWS
    /// tools (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...), or from the machine's own role.
    #[serde(default)]
    pub url: Option<Url>,
}

/// `[analysis]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnalysisConfig {
    /// Folder of the operator's own rules; relative to the configuration file.
    #[serde(default)]
    pub rules: Option<PathBuf>,
}

/// `[policy]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// File of waivers; relative to the configuration file.
    #[serde(default)]
    pub waivers: Option<PathBuf>,
}

/// `[provenance]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceConfig {
    /// File of a Sigstore trusted root instead of the one that is shipped; relative to the configuration file.
    #[serde(default)]
    pub trusted_root: Option<PathBuf>,
    /// File of npm's keys, as Sigstore's TUF repository has it, instead of the one that is shipped; relative to the configuration
    /// file.
    #[serde(default)]
    pub npm_keys: Option<PathBuf>,
}

impl Config {
    /// What holds where nothing else is said. The store is nowhere where nobody knows where this user's files are, as in a service
    /// without a home folder: it then has to be named.
    ///
    /// # Errors
    /// When a default cannot be read.
    pub fn defaults() -> Result<Self> {
        let official = EcosystemConfig::official(PathBuf::new());
        Ok(Self {
            store: strategy().map(|folders| folders.data_dir().join("sigma")).unwrap_or_default(),
            database_url: None,
            blobs: BlobsConfig::default(),
            pypi_index: official.pypi_index,
            pypi_json: official.pypi_json,
            npm_registry: official.npm_registry,
            file_hosts: official.file_hosts,
            api_base: Url::parse("https://api.soulbyte.tech").context("default API base")?,
            prices: PriceTable::default(),
            audits: AuditsConfig::default(),
            analysis: AnalysisConfig::default(),
            policy: PolicyConfig::default(),
            provenance: ProvenanceConfig::default(),
            server: ServerConfig::default(),
            worker: WorkerConfig::default(),
            review: ReviewConfig::default(),
            sandbox: SandboxConfig::default(),
            council: CouncilConfig::default(),
            ledger: LedgerConfig::default(),
            chain: ChainConfig::default(),
        })
    }

    /// Reads the configuration. `file` must exist when it was named; the default file need not.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let path = file_of(file)?;
        let mut figment = Figment::from(Serialized::defaults(Self::defaults()?));
        if path.is_file() {
            figment = figment.merge(Toml::file_exact(&path));
        }
        for (variable, key) in variables(&leaves(&serde_json::to_value(Self::defaults()?).context("defaults")?)) {
            let name = variable.trim_start_matches("SIGMA_");
            figment = figment.merge(Env::prefixed("SIGMA_").only(&[name]).map(move |_| key.clone().into()));
        }
        let mut config: Self = figment.extract().map_err(|error| explained(file, error))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let ProvenanceConfig { trusted_root, npm_keys } = &mut config.provenance;
        let files = [
            &mut config.analysis.rules,
            &mut config.policy.waivers,
            trusted_root,
            npm_keys,
            &mut config.review.authorities,
            &mut config.chain.key_file,
        ];
        for named in files.into_iter().flatten() {
            *named = beside.join(&*named);
        }
        for url in [&mut config.pypi_index, &mut config.pypi_json, &mut config.npm_registry] {
            // `Url::join` replaces the last segment of a base that does not end in a slash.
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
        }
        Ok(config)
    }
}

/// Why a configuration cannot be read: everything that is wrong with it, with file and line.
fn explained(file: Option<&Path>, error: figment::Error) -> anyhow::Error {
    match check::check(file, &[]) {
        Ok(checked) if !checked.problems.is_empty() => {
            anyhow::anyhow!("the configuration (`sigma config check`):\n  {}", checked.problems.join("\n  "))
        }
        _ => anyhow::Error::new(error).context("configuration"),
    }
}

/// The variables that are settings, each with its key: those of [`VARIABLES`], and of the environment those that are named after a
/// setting of a section, `SIGMA_SERVER__BURST` for `server.burst`.
fn variables(known: &BTreeMap<String, Value>) -> Vec<(String, String)> {
    let named = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let of_sections = named.filter_map(|name| {
        let wanted = name.strip_prefix("SIGMA_").filter(|rest| rest.contains("__"))?.replace("__", ".");
        let key = known.keys().find(|key| key.eq_ignore_ascii_case(&wanted))?.clone();
        Some((name, key))
    });
    let listed = VARIABLES.iter().map(|(variable, key)| ((*variable).to_owned(), (*key).to_owned()));
    listed.chain(of_sections).collect()
}

/// Every setting of a tree: arrays and empty ones are values. Keys are joined by dots.
fn leaves(tree: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), tree)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.iter().map(|(name, value)| (join(&path, name), value))),
            value => drop(found.insert(path, value.clone())),
        }
    }
    found
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Where this user's files are, if anybody knows.
fn strategy() -> Option<impl BaseStrategy> {
    etcetera::choose_base_strategy().ok()
}

/// The configuration file: the named one, which must be there, or the user's own, which need not.
fn file_of(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(file) => {
            anyhow::ensure!(file.is_file(), "no configuration file at {}", file.display());
            Ok(file.to_owned())
        }
        None => Ok(strategy().map(|folders| folders.config_dir().join("sigma/config.toml")).unwrap_or_default()),
    }
}
