//! The composition root: which room gets which.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use sigma_analysis::{Analyser, Limits, OperatorRules, RuleFile};
use sigma_core::{AdvisorySnapshot, AdvisoryState, PythonVersion, Timestamp};
use sigma_ecosystem::manifest::ReadOptions;
use sigma_ecosystem::{EcosystemConfig, Ecosystems};
use sigma_pipeline::{
    Anchorer, Clock, FileListing, Hall, HallConfig, LedgerError, LedgerFolder, LedgerSigner, ReviewRooms, Waivers,
    Worker,
};
use sigma_server::{App, AskAdvisories, Developer};
use sigma_store::{Bucket, Database, Duty, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::args::{Args, Command};
use crate::config::Config;

/// The runtime for everything that waits; what computes has threads of its own. Commands that wait for nobody are not
/// kept waiting by the start of threads.
pub fn runtime(command: &Command) -> Result<tokio::runtime::Runtime> {
    let runtime = match command {
        Command::Scan(_) | Command::Rules(_) | Command::Explain(_) | Command::Config(_) | Command::Hash(_) => {
            tokio::runtime::Builder::new_current_thread().build()
        }
        _ => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
    };
    runtime.context("cannot start the runtime")
}

/// Configuration, with the command line's word as the last.
pub fn config(args: &Args) -> Result<Config> {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(store) = &args.store {
        config.store.clone_from(store);
    }
    anyhow::ensure!(!config.store.as_os_str().is_empty(), "cannot tell the home folder; pass --store (SIGMA_STORE)");
    if args.database_url.is_some() {
        config.database_url.clone_from(&args.database_url);
    }
    if args.rules.is_some() {
        config.analysis.rules.clone_from(&args.rules);
    }
    Ok(config)
}

/// The database that is configured.
pub fn database(config: &Config) -> Result<Database> {
    Ok(config.database_url.as_deref().map(str::parse).transpose()?.unwrap_or(Database::Embedded))
}

/// Opens the store that is there. Who looks something up, or decides, does not want a new one where a name was mistyped.
pub async fn store(config: &Config) -> Result<Store> {
    match Store::open_existing(&config.store, &database(config)?).await {
        Err(StoreError::NoStore(place)) => {
            let setting = match config.database_url {
                None => "--store (SIGMA_STORE)",
                Some(_) => "--database-url (SIGMA_DATABASE_URL)",
            };
            anyhow::bail!(
                "there is no store {place}; name the right one with {setting}, or begin one there with \
                 `sigma serve`, `sigma worker`, `sigma audit` or `sigma submit`"
            )
        }
        opened => with_bucket(config, opened),
    }
}

/// Opens the store, and begins one where there is none: who does has to tell ([`begun`]).
pub async fn store_or_new(config: &Config) -> Result<Store> {
    open(config, &database(config)?).await
}

/// The same on a command line, where it is told at once.
pub async fn store_or_told(config: &Config) -> Result<Store> {
    let store = store_or_new(config).await?;
    if let Some(text) = begun(config, &store) {
        eprintln!("{text}");
    }
    Ok(store)
}

/// What is to be told of a store that was begun just now, so that a mistyped name is noticed.
pub fn begun(config: &Config, store: &Store) -> Option<String> {
    let place = match config.database_url {
        None => format!("at {}", config.store.display()),
        Some(_) => format!("in the PostgreSQL database, with its files at {}", config.store.display()),
    };
    store.is_begun().then(|| format!("a new store begins {place}"))
}

/// Opens the store on another database than the configured one, and begins it where there is none.
pub async fn open(config: &Config, database: &Database) -> Result<Store> {
    with_bucket(config, Store::open(&config.store, database).await)
}

fn with_bucket(config: &Config, opened: Result<Store, StoreError>) -> Result<Store> {
    let store = opened.with_context(|| format!("cannot open the store at {}", config.store.display()))?;
    Ok(match &config.blobs.url {
        // What the tools for S3 are told, this one is told too. A value that is no text is none of theirs.
        Some(url) => {
            let text = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            store.with_bucket(Bucket::open(url, text.filter(|(name, _)| name.starts_with("AWS_")))?)
        }
        None => store,
    })
}

/// The operator's own rules, checked; the empty set where none are configured.
pub fn rules(config: &Config) -> Result<OperatorRules> {
    let Some(folder) = &config.analysis.rules else { return Ok(OperatorRules::default()) };
    let unreadable = || format!("cannot read the folder of rules {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("toml" | "yar" | "yara")) || !path.is_file() {
            continue;
        }
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut bytes = Vec::new();
        file.take(MAX_RULE_FILE).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        files.push(RuleFile { name: path.display().to_string(), bytes });
    }
    anyhow::ensure!(!files.is_empty(), "no rules in {}; expected *.toml, *.yar or *.yara files", folder.display());
    Ok(OperatorRules::load(files)?)
}

/// Bytes that are read of a rule file: more than the engine accepts, so that it can say so.
const MAX_RULE_FILE: u64 = (1 << 20) + 1;

/// The waivers, checked; none where none are configured. `named` is the command line's word.
pub fn waivers(config: &Config, named: Option<&Path>) -> Result<Waivers> {
    let Some(file) = named.or(config.policy.waivers.as_deref()) else { return Ok(Waivers::default()) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the waivers {}", file.display()))?;
    Ok(Waivers::read(&file.display().to_string(), &text, now())?)
}

/// The roots that attestations of packages are checked against.
pub fn roots(config: &Config) -> Result<sigma_provenance::Roots> {
    let read = |file: &Option<PathBuf>| {
        let text = file.as_ref().map(|file| {
            std::fs::read_to_string(file).with_context(|| format!("cannot read the roots {}", file.display()))
        });
        text.transpose()
    };
    let (trusted_root, npm_keys) = (read(&config.provenance.trusted_root)?, read(&config.provenance.npm_keys)?);
    sigma_provenance::Roots::with(trusted_root.as_deref(), npm_keys.as_deref()).context("[provenance]")
}

/// The time.
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// The clients of the ecosystems.
pub fn ecosystems(config: &Config, offline: bool) -> Result<Ecosystems> {
    Ok(Ecosystems::new(EcosystemConfig {
        pypi_index: config.pypi_index.clone(),
        pypi_json: config.pypi_json.clone(),
        npm_registry: config.npm_registry.clone(),
        file_hosts: config.file_hosts.clone(),
        offline,
        ..EcosystemConfig::official(config.store.join("cache"))
    })?)
}

/// The server's state, and a worker that runs the jobs of its submissions where one is wanted.
pub async fn server(config: &Config, with_worker: bool) -> Result<(App, Option<Worker>)> {
    let store = store_or_new(config).await?;
    let hall = reviewing_hall(config, store.clone(), rules(config)?)?;
    let ecosystems = ecosystems(config, false)?;
    let ask: AskAdvisories = Arc::new(move |package| {
        let ecosystems = ecosystems.clone();
        Box::pin(async move {
            let snapshots = ecosystems.advisories(std::slice::from_ref(&package), now()).await;
            snapshots.into_iter().next().unwrap_or_else(|| AdvisorySnapshot {
                source: package.ecosystem().title().to_owned(),
                queried_at: now(),
                state: AdvisoryState::Unavailable { reason: "no answer".to_owned() },
            })
        })
    });
    let limits = config.server.clone();
    let app = App::new(store, &database(config)?, config.api_base.as_str(), limits, Some(ask), Arc::new(now)).await;
    let app = app.with_context(|| format!("cannot read the store at {}", config.store.display()))?;
    let ledger = ledger(config)?;
    if ledger.exists() {
        app.open_ledger(ledger.reader().context("the transparency log")?);
    }
    app.open_files(files(config, hall.store().clone()));
    if config.chain.enabled {
        app.anchors_on_a_chain();
    }
    let worker = with_worker.then(|| Worker::new(hall.clone(), &worker_name(), config.worker.clone()));
    let read = read_options(config);
    let wake = worker.as_ref().map(Worker::wake);
    app.open_developer_plane(Developer {
        hall,
        read,
        wake,
        most_open: config.worker.most_open,
        caps: config.audits.clone(),
    });
    Ok((app, worker))
}

/// Where the transparency log lies, who signs, and who witnesses.
pub fn ledger(config: &Config) -> Result<LedgerFolder> {
    let ledger = &config.ledger;
    let timeout = Duration::from_secs(ledger.signer_seconds);
    let signer = (!ledger.signer.is_empty()).then(|| LedgerSigner { argv: ledger.signer.clone(), timeout });
    let folder = LedgerFolder::new(&ledger.folder(&config.store), signer);
    Ok(match ledger.witnesses()? {
        Some(witnesses) => folder.with_witnesses(witnesses)?,
        None => folder,
    })
}

/// Keeps the transparency log for as long as the process runs, where it has the keys.
pub fn keep_log(config: &Config, store: &Store, end: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let ledger = ledger(config)?;
    if ledger.can_sign() {
        tokio::spawn(sigma_pipeline::keep_log(ledger, store.clone(), Arc::new(now), end));
    }
    Ok(())
}

/// Where the store has a log, what this run sealed is announced before the run says that it is done: by this process, where it has
/// the keys and nobody else writes; by whoever writes the log otherwise, for which it waits a moment.
pub async fn announce(config: &Config, store: &Store) -> Result<()> {
    let ledger = ledger(config)?;
    for _ in 0..ANNOUNCED_WITHIN {
        if store.unannounced().await? == 0 {
            return Ok(());
        }
        if ledger.can_sign()
            && let Some(_claim) = store.try_claim(Duty::Log).await?
        {
            match ledger.open()?.sync(store, false, now()).await {
                Ok(_) => return Ok(()),
                // Somebody else's signature is waited for: then the certificates wait, and not the run.
                Err(LedgerError::Unwitnessed { .. }) => break,
                Err(error) => return Err(error).context("the transparency log"),
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waiting = store.unannounced().await?;
    eprintln!(
        "{waiting} certificate(s) wait for the transparency log; whoever has its keys announces them (sigma ledger sync)"
    );
    Ok(())
}

/// Tenths of a second that a run waits for somebody else to write the log.
const ANNOUNCED_WITHIN: u32 = 50;

/// The lists of files inside certified distributions.
pub fn files(config: &Config, store: Store) -> FileListing {
    FileListing::new(store, config.store.join("lists"))
}

/// The one who puts certificates on a chain.
pub fn anchorer(config: &Config, store: Store) -> Result<Anchorer> {
    let (registry, key, limits) = (config.chain.registry()?, config.chain.key()?, config.chain.anchor()?);
    Ok(Anchorer::new(store, ledger(config)?, registry, key, limits))
}

/// Puts certificates on a chain until `stop` is ready, where that is configured and there is a key.
pub fn anchoring(
    config: &Config,
    store: Store,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Option<JoinHandle<()>>> {
    if !config.chain.enabled || config.chain.key_file.is_none() {
        return Ok(None);
    }
    let anchorer = anchorer(config, store)?;
    let clock: Clock = Arc::new(now);
    Ok(Some(tokio::spawn(async move { anchorer.run(&clock, stop).await })))
}

/// A worker's name: which machine and which process.
pub fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = sigma_core::printable(host.trim(), 60);
    format!("{}:{}", if host.is_empty() { "worker" } else { &host }, std::process::id())
}

/// Resolves when the process is told to stop. The handlers are in place when this returns.
pub fn asked_to_end() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("signal handler")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signal handler")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop; what is under way is finished first");
    })
}

/// Puts the hall together.
pub fn hall(config: &Config, store: Store, rules: OperatorRules, offline: bool) -> Result<Hall> {
    let ecosystems = ecosystems(config, offline)?;
    let clock = Arc::new(now);
    let limits = HallConfig { prices: config.prices, ..HallConfig::default() };
    let hall = Hall::new(ecosystems, store, Analyser::with_rules(Limits::default(), rules), clock, limits)?;
    let council = Arc::new(config.council.council(config.review.harness_model.as_deref())?);
    Ok(hall.with_roots(roots(config)?).with_review(ReviewRooms { council, ..ReviewRooms::default() }))
}

/// The hall with what the review of submissions needs. A server has to answer within the seconds that a request may take.
pub fn reviewing_hall(config: &Config, store: Store, rules: OperatorRules) -> Result<Hall> {
    Ok(hall(config, store, rules, false)?.with_review(review(config)?))
}

/// What the review of submissions, and runs of packages' commands, need.
pub fn review(config: &Config) -> Result<ReviewRooms> {
    let sandbox = config.sandbox.sandbox()?;
    let python = sandbox.as_ref().ok().and_then(|sandbox| sandbox.interpreters.python.as_ref());
    let within = Duration::from_secs(config.server.request_seconds.saturating_sub(5).max(5));
    Ok(ReviewRooms {
        repositories: config.review.repositories(within)?,
        limits: config.review.limits(),
        read: read_options(config),
        probes: config.review.probes(),
        python: python.and_then(python_version),
        sandbox,
        run_entry_points: config.review.run_entry_points,
        runs: Arc::new(Semaphore::new(config.sandbox.parallel.max(1))),
        council: Arc::new(config.council.council(config.review.harness_model.as_deref())?),
        author: config.council.author(config.review.harness_model.as_deref())?.map(Arc::new),
    })
}

/// `Python 3.13.5` is 3.13.
fn python_version(interpreter: &sigma_sandbox::Interpreter) -> Option<PythonVersion> {
    let numbers = interpreter.version.strip_prefix("Python ")?;
    let mut parts = numbers.split('.');
    format!("{}.{}", parts.next()?, parts.next()?).parse().ok()
}

/// Which indexes count as the public ones.
fn read_options(config: &Config) -> ReadOptions {
    let mut read = ReadOptions::default();
    read.pypi_indexes.push(config.pypi_index.clone());
    read.npm_registries.push(config.npm_registry.clone());
    read
}
