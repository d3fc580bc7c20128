//! The one index, asked through uv's client and uv's cache, so that resolver and look-ups see the same pages.
//!
//! In: the configuration. Out: uv's client, and the files of single versions. Credentials are kept from uv: the
//! [`super::guard`] adds them to requests for the index's own origin.

use std::sync::Arc;

use tokio::sync::Semaphore;
use uv_cache::Cache;
use uv_client::{
    AuthIntegration, BaseClientBuilder, Connectivity, ErrorKind, ExtraMiddleware, MetadataFormat, RedirectPolicy,
    RegistryClient, RegistryClientBuilder,
};
use uv_distribution_filename::DistFilename;
use uv_distribution_types::{Index as UvIndex, IndexCapabilities, IndexLocations, IndexUrl};
use uv_normalize::PackageName;
use uv_pep440::Version;

use super::failure;
use super::guard::{Guard, Pause};
use super::release::Files;
use crate::{EcosystemConfig, Http, HttpError, ResolveError};

/// The index.
#[derive(Clone)]
pub(super) struct Index {
    pub client: RegistryClient,
    pub cache: Cache,
    pub locations: IndexLocations,
    permits: Arc<Semaphore>,
    pause: Pause,
}

impl Index {
    /// Opens the cache and builds the client. Touches the disk, not the network.
    pub fn new(config: &Arc<EcosystemConfig>, http: &Http) -> Result<Self, ResolveError> {
        let failed = |what: &str, why: String| ResolveError::Resolver(format!("{what}: {}", failure::line(&why)));
        let root = config.cache_dir.join("uv");
        let cache = Cache::from_path(&root)
            .init_no_wait()
            .map_err(|error| failed("the cache of index pages cannot be opened", error.to_string()))?
            .ok_or_else(|| failed("the cache of index pages is locked", root.display().to_string()))?;
        let mut url = config.pypi_index.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let url: IndexUrl = url
            .as_str()
            .parse()
            .map_err(|_| failed("the index URL cannot be used", crate::http::shown(&config.pypi_index)))?;
        let locations = IndexLocations::new(vec![UvIndex::from_index_url(url)], Vec::new(), false);
        // Our own transport: the system's certificates, our name, and none of what uv tells about the machine.
        let transport = reqwest::Client::builder()
            .user_agent(concat!("sigma/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed("the HTTP client cannot be built", crate::http::chain(&error)))?;
        let pause = Pause::default();
        let base = BaseClientBuilder::default()
            .custom_client(transport)
            .connectivity(if config.offline { Connectivity::Offline } else { Connectivity::Online })
            .retries(u32::try_from(config.attempts.saturating_sub(1)).unwrap_or(u32::MAX))
            .no_retry_delay(config.first_pause.is_zero())
            .auth_integration(AuthIntegration::NoAuthMiddleware)
            // Every hop of a redirect passes the guard again.
            .redirect(RedirectPolicy::RetriggerMiddleware)
            .extra_middleware(ExtraMiddleware(vec![Arc::new(Guard::new(config.clone(), http.clone(), pause.clone()))]));
        let client = RegistryClientBuilder::new(base, cache.clone())
            .index_locations(locations.clone())
            .build()
            .map_err(|error| failed("the index client cannot be built", error.to_string()))?;
        let permits = Arc::new(Semaphore::new(config.parallel_requests));
        Ok(Self { client, cache, locations, permits, pause })
    }

    /// The same error, with how long the index asked to be left alone where it did.
    pub fn noting_pause(&self, error: ResolveError) -> ResolveError {
        match error {
            ResolveError::Http(HttpError::Status { url, status, retry_after: None }) => {
                HttpError::Status { url, status, retry_after: self.pause.get() }.into()
            }
            error => error,
        }
    }

    /// Every version that the index lists, oldest first; `None` when it does not have the package.
    pub async fn versions(&self, name: &PackageName) -> Result<Option<Vec<(Version, Files)>>, HttpError> {
        let capabilities = IndexCapabilities::default();
        let pages = match self.client.simple_detail(name, None, &capabilities, &self.permits).await {
            Ok(pages) => pages,
            Err(error) if matches!(error.kind(), ErrorKind::RemotePackageNotFound(_)) => return Ok(None),
            Err(error) => return Err(failure::of_client(&error)),
        };
        let mut versions = Vec::new();
        for (_, page) in pages {
            let MetadataFormat::Simple(page) = page else { continue };
            for listed in uv_client::OwnedArchive::deserialize(&page) {
                let mut files = Files::default();
                for (filename, file) in listed.files.all(name) {
                    match filename {
                        DistFilename::WheelFilename(wheel) => files.wheels.push((wheel, file)),
                        DistFilename::SourceDistFilename(sdist) => files.sdists.push((sdist, file)),
                    }
                }
                versions.push((listed.version, files));
            }
        }
        Ok(Some(versions))
    }
}
