//! Packuments from the registry or from the cache.
//!
//! In: a package name. Out: its slimmed packument, or that it does not exist, or why nobody knows. Cache entries are our own
//! files, yet they are read like strangers': one that cannot be read counts as absent.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use url::Url;

use super::packument::{Known, Packument};
use crate::http::{Conditional, shown};
use crate::{EcosystemConfig, Http, HttpError};

/// How long a cached packument is taken as it is: as long as npm does (the registry's max-age).
const FRESH: Duration = Duration::from_secs(300);
const FULL: &str = "application/json";
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

#[derive(Debug, Clone)]
pub(super) struct Registry {
    config: Arc<EcosystemConfig>,
    http: Http,
    /// Answers that may be in memory at once, from the request until they were read: a packument can have 100 MB.
    answers: Arc<Semaphore>,
}

/// Answers in memory at once. Real packuments of the full form have up to 20 MB, most a thousandth of that.
const ANSWERS: usize = 8;

/// What stands before the packument in a cache file, on a line of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stamp {
    /// Seconds since 1970.
    fetched_at: u64,
    etag: Option<String>,
}

impl Registry {
    pub(super) fn new(config: Arc<EcosystemConfig>, http: Http) -> Self {
        Self { config, http, answers: Arc::new(Semaphore::new(ANSWERS)) }
    }

    /// `<registry>/<name>`, with the slash of a scoped name encoded. The name has to be a valid one.
    pub(super) fn url(&self, name: &str) -> Result<Url, HttpError> {
        let path = format!("./{}", name.replace('/', "%2F"));
        let base = &self.config.npm_registry;
        base.join(&path).map_err(|error| HttpError::Forbidden { url: shown(base), why: error.to_string() })
    }

    /// The packument of a package with a valid name; `full` insists on the full form.
    pub(super) async fn packument(&self, name: &str, full: bool) -> Known {
        match self.ask(name, full).await {
            Ok(packument) => Known::Packument(packument),
            Err(error) if error.is_not_found() => Known::Unknown,
            Err(error) => Known::Failed(error),
        }
    }

    async fn ask(&self, name: &str, full: bool) -> Result<Arc<Packument>, HttpError> {
        let path = self.cache_path(name);
        let (stamp, cached) = match blocking({
            let (path, name) = (path.clone(), name.to_owned());
            move || read_cache(&path, &name)
        })
        .await
        {
            Some(Some((stamp, packument))) if packument.full || !full => (stamp, Some(Arc::new(packument))),
            _ => (Stamp::default(), None),
        };
        if let Some(cached) = &cached
            && (self.config.offline || now().saturating_sub(stamp.fetched_at) < FRESH.as_secs())
        {
            return Ok(cached.clone());
        }
        let url = self.url(name)?;
        let full = full || cached.as_ref().is_some_and(|cached| cached.full);
        let accept = if full { FULL } else { ABBREVIATED };
        let known = stamp.etag.as_deref().filter(|_| cached.is_some());
        let turn = self.answers.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (packument, etag) = match (self.http.get_conditional(&url, accept, known).await?, cached) {
            (Conditional::NotModified, Some(cached)) => (cached, stamp.etag),
            (Conditional::NotModified, None) => {
                return Err(HttpError::Status { url: shown(&url), status: 304, retry_after: None });
            }
            (Conditional::Changed { body, etag }, _) => {
                let expected = name.to_owned();
                let parsed = blocking(move || {
                    let parsed = Packument::parse(&expected, &body).map_err(|error| error.to_string());
                    drop((body, turn));
                    parsed
                });
                let parsed = parsed.await;
                let parsed = parsed.unwrap_or_else(|| Err("reading it failed".to_owned()));
                let garbage = |why: String| HttpError::Garbage {
                    url: shown(&url),
                    expected: "a packument",
                    why: sigma_core::printable(&why, 300),
                };
                (Arc::new(parsed.map_err(garbage)?), etag)
            }
        };
        let (stamp, kept) = (Stamp { fetched_at: now(), etag }, packument.clone());
        let written = blocking(move || write_cache(&path, &stamp, &kept)).await;
        if let Some(Err(error)) = written {
            tracing::warn!(package.name = name, %error, "the packument could not be cached");
        }
        Ok(packument)
    }

    /// One file for each registry and name; scoped names get a name of their own (`@s/n` as `@s%2Fn`), and capitals are
    /// marked, for file systems that do not tell them apart.
    fn cache_path(&self, name: &str) -> PathBuf {
        let registry = &self.config.npm_registry;
        let host = format!(
            "{}_{}{}",
            registry.host_str().unwrap_or("registry"),
            registry.port_or_known_default().unwrap_or(0),
            registry.path().trim_end_matches('/').replace('/', "_")
        );
        let mut file = String::new();
        for c in name.chars() {
            match c {
                c if c.is_ascii_uppercase() => file.extend(['!', c.to_ascii_lowercase()]),
                '!' => file.push_str("!!"),
                '*' => file.push_str("%2A"),
                '/' => file.push_str("%2F"),
                c => file.push(c),
            }
        }
        self.config.cache_dir.join("npm").join(host).join(format!("{file}.json"))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn read_cache(path: &Path, name: &str) -> Option<(Stamp, Packument)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (stamp, packument) = text.split_once('\n')?;
    Some((serde_json::from_str(stamp).ok()?, Packument::parse_cached(name, packument)?))
}

fn write_cache(path: &Path, stamp: &Stamp, packument: &Packument) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // A reader sees the old file or the new one, never half of one.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    {
        let mut out = std::io::BufWriter::new(&mut file);
        serde_json::to_writer(&mut out, stamp)?;
        std::io::Write::write_all(&mut out, b"\n")?;
        packument.write_cached(&mut out)?;
        std::io::Write::flush(&mut out)?;
    }
    file.persist(path)?;
    Ok(())
}
