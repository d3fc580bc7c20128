//! `[review]`, `[sandbox]` and `[council]`: what the review of submissions needs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sigma_core::CodeLanguage;
use sigma_council::{ApiKey, Author, Council, ModelApi, ModelConfig, Panels};
use sigma_intake::{Authorities, ProbeConfig, RepositoryConfig, SubmissionLimits};
use sigma_sandbox::{Interpreter, Sandbox, Tier};
use url::Url;

/// `[review]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewConfig {
    /// Hosts that repositories may lie on.
    pub hosts: Vec<String>,
    /// File of certificate authorities, in PEM, that these hosts may be certified by, beside those that the machine trusts; relative
    /// to the configuration file.
    pub authorities: Option<PathBuf>,
    /// Networks beside the public internet that these hosts may lie in.
    pub networks: Vec<IpNet>,
    /// Files of a folder under review. 50.
    pub files: usize,
    /// KiB of a folder under review. 512.
    pub kib: u64,
    /// KiB of one file. 200.
    pub file_kib: u64,
    /// Whether the endpoints that skills declare are asked, with safe methods.
    pub ask_endpoints: bool,
    /// Whether the commands of packages (`console_scripts`, `bin`) are run with `--help` in isolation when they are audited.
    pub run_entry_points: bool,
    /// The model, of `[[council.models]]`, that writes a second harness for submitted code. It then has no seat.
    pub harness_model: Option<String>,
}

impl Default for ReviewConfig {
    fn default() -> Self {
        let limits = SubmissionLimits::default();
        Self {
            hosts: RepositoryConfig::default().hosts,
            authorities: None,
            networks: Vec::new(),
            files: limits.files,
            kib: limits.total >> 10,
            file_kib: limits.file >> 10,
            ask_endpoints: true,
            run_entry_points: false,
            harness_model: None,
        }
    }
}

impl ReviewConfig {
    /// Which repositories are fetched. Somebody waits for it no longer than `within`.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or used.
    pub fn repositories(&self, within: Duration) -> Result<RepositoryConfig> {
        let default = RepositoryConfig::default();
        // `http://127.0.0.1:port` is a repository of this machine: for rehearsals and tests, and only where it is named.
        let allow_loopback = self.hosts.iter().any(|host| host.starts_with("127.0.0.1:"));
        let authorities = match &self.authorities {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("[review] authorities: cannot read {}", file.display()))?;
                Authorities::from_pem(&text).with_context(|| format!("[review] authorities: {}", file.display()))?
            }
            None => Authorities::default(),
        };
        Ok(RepositoryConfig {
            hosts: self.hosts.clone(),
            authorities,
            networks: self.networks.clone(),
            allow_loopback,
            within: default.within.min(within),
            ..default
        })
    }

    /// How large a folder may be.
    pub fn limits(&self) -> SubmissionLimits {
        SubmissionLimits { files: self.files, total: self.kib << 10, file: self.file_kib << 10 }
    }

    /// How endpoints are looked at.
    pub fn probes(&self) -> ProbeConfig {
        ProbeConfig { enabled: self.ask_endpoints, ..ProbeConfig::default() }
    }
}

/// `[sandbox]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxConfig {
    /// Whether submitted code is run at all. Where it is not, certificates say so.
    pub enabled: bool,
    /// The supervisor. `sigma-sandbox` beside this program, else this program itself.
    pub supervisor: Option<PathBuf>,
    /// A socket on which supervisors are started by systemd, instead of the program: then they and the interpreters are its own.
    pub socket: Option<PathBuf>,
    /// Python 3. `python3` of PATH.
    pub python: Option<PathBuf>,
    /// Node.js. `node` of PATH.
    pub node: Option<PathBuf>,
    /// `auto`, `namespaces` (or nothing) or `filtered`.
    pub tier: Tier,
    /// Seconds that a run may take. 30.
    pub seconds: u64,
    /// MiB of memory that a run may use. 512.
    pub memory_mib: u64,
    /// Runs at once. 1.
    pub parallel: usize,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let limits = sigma_sandbox::Limits::default();
        Self {
            enabled: true,
            supervisor: None,
            socket: None,
            python: None,
            node: None,
            tier: Tier::Auto,
            seconds: limits.wall_ms / 1000,
            memory_mib: limits.memory >> 20,
            parallel: 1,
        }
    }
}

/// What this program is called with to be a supervisor of submitted code.
pub const SUPERVISOR: &str = "sandbox-supervisor";

impl SandboxConfig {
    /// The sandbox, or why nothing is run.
    ///
    /// # Errors
    /// When an interpreter that is named cannot be used.
    pub fn sandbox(&self) -> Result<Result<Sandbox, String>> {
        if !self.enabled {
            return Ok(Err("the sandbox is turned off by configuration".to_owned()));
        }
        let mut sandbox = match &self.socket {
            Some(socket) => {
                Sandbox::behind(socket.clone()).map_err(|why| anyhow::anyhow!("[sandbox] socket: {why}"))?
            }
            None => Sandbox::new(self.supervisor()?),
        };
        if let Some(python) = &self.python {
            sandbox.interpreters.python =
                Some(Interpreter::locate(CodeLanguage::Python, python).context("[sandbox] python")?);
        }
        if let Some(node) = &self.node {
            sandbox.interpreters.node = Some(Interpreter::locate(CodeLanguage::Node, node).context("[sandbox] node")?);
        }
        sandbox.tier = self.tier;
        sandbox.limits.wall_ms = self.seconds.saturating_mul(1000);
        sandbox.limits.memory = self.memory_mib << 20;
        Ok(Ok(sandbox))
    }

    fn supervisor(&self) -> Result<Vec<PathBuf>> {
        if let Some(supervisor) = &self.supervisor {
            return Ok(vec![supervisor.clone()]);
        }
        let own = std::env::current_exe().context("cannot tell where this program is")?;
        let beside = own.with_file_name("sigma-sandbox");
        Ok(if beside.is_file() { vec![beside] } else { vec![own, SUPERVISOR.into()] })
    }
}

/// `[council]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CouncilConfig {
    /// US cents that the models of one round may cost together. 0: none are asked.
    pub budget_cents: u64,
    /// Models that sit beside the embedded validators: `[[council.models]]`.
    pub models: Vec<ModelEntry>,
}

/// A model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Its name on ballots.
    pub id: String,
    /// `openai` or `anthropic`: the language of its endpoint.
    pub api: ModelApi,
    /// Base of the endpoint.
    pub base_url: Url,
    /// The model, as the vendor names it.
    pub model: String,
    /// Its family: models of one family are taken to err alike.
    pub family: String,
    /// The environment variable that holds the key. A key in a file would be one more secret on a disk.
    #[serde(default)]
    pub key_variable: Option<String>,
    /// `one`, `two` or `either`.
    #[serde(default = "either")]
    pub panels: Panels,
    /// Seconds that an answer may take.
    #[serde(default = "timeout")]
    pub timeout_seconds: u64,
    /// US cents that one question may cost.
    #[serde(default = "cost")]
    pub max_cost_cents: u64,
    /// US cents of a million tokens of the prompt.
    pub input_price_cents: u64,
    /// US cents of a million tokens of the answer.
    pub output_price_cents: u64,
    /// Longest answer in tokens.
    #[serde(default = "tokens")]
    pub max_tokens: u32,
}

fn either() -> Panels {
    Panels::Either
}

fn timeout() -> u64 {
    60
}

fn cost() -> u64 {
    25
}

fn tokens() -> u32 {
    2_048
}

/// Millionths of a US dollar in a cent.
const MICRO: u64 = 10_000;

impl CouncilConfig {
    /// The council. The model that writes harnesses has no seat: nobody judges what their own program showed.
    ///
    /// # Errors
    /// When a model's setting does not hold, or its key is not there.
    pub fn council(&self, author: Option<&str>) -> Result<Council> {
        let seated: Vec<&ModelEntry> = self.models.iter().filter(|model| Some(model.id.as_str()) != author).collect();
        if seated.is_empty() {
            return Ok(Council::embedded());
        }
        let models = seated.into_iter().map(ModelEntry::config).collect::<Result<_>>()?;
        Council::new(models, self.budget_cents * MICRO).context("[council]")
    }

    /// The model that writes harnesses, where one does.
    ///
    /// # Errors
    /// When there is no model of this id, or its setting does not hold.
    pub fn author(&self, id: Option<&str>) -> Result<Option<Author>> {
        let Some(id) = id else { return Ok(None) };
        let model = self.models.iter().find(|model| model.id == id);
        let model = model.with_context(|| format!("[review] harness_model: no model `{id}` in [[council.models]]"))?;
        Author::new(model.config()?).map(Some).context("[review] harness_model")
    }
}

impl ModelEntry {
    fn config(&self) -> Result<ModelConfig> {
        let key = self.key_variable.as_deref().map(|name| {
            let text = std::env::var(name)
                .with_context(|| format!("[council] model {}: the environment variable {name} is not set", self.id))?;
            ApiKey::new(&text).with_context(|| format!("[council] model {}", self.id))
        });
        Ok(ModelConfig {
            id: self.id.clone(),
            api: self.api,
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            family: self.family.clone(),
            key: key.transpose()?,
            panels: self.panels,
            timeout: Duration::from_secs(self.timeout_seconds),
            max_cost_micro_usd: self.max_cost_cents * MICRO,
            input_price_micro_usd: self.input_price_cents * MICRO,
            output_price_micro_usd: self.output_price_cents * MICRO,
            max_tokens: self.max_tokens,
            // A model on the operator's own machine needs no TLS; the address still has to be of this machine.
            allow_http_on_loopback: true,
        })
    }
}
