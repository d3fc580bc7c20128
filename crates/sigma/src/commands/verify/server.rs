//! A SIGMA server that is asked for bundles, lists and reports. It may lie: everything it gives is bounded here and believed
//! nowhere.
//!
//! It speaks through the one client of the house, which is told that this is the only host there is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use sigma_certificate::FileLists;
use sigma_core::{Ecosystem, PackageId, Sha256};
use sigma_ecosystem::{EcosystemConfig, Http, HttpError};
use sigma_verify::{Candidate, Wanted};
use url::Url;

use super::source::sha256s;
use super::unreached;

/// Bytes of one answer: the list of a package of 200,000 files.
const MAX_ANSWER: u64 = 64 << 20;
/// Bytes of all answers of a run. 1 GiB: bundles and lists of 5,000 packages are about 400 MB.
const MAX_ALL: u64 = 1 << 30;
/// Packages of one question, as the server allows.
const BATCH: usize = 1000;
/// Digests of one package that are asked for one by one.
const MAX_DIGESTS: usize = 8;
/// Certificates of one digest that are fetched.
const MAX_CERTIFICATES: usize = 8;
/// Requests under way at once.
const PARALLEL: usize = 8;

/// The server.
pub struct Server {
    http: Http,
    base: Url,
    left: AtomicU64,
}

#[derive(Deserialize)]
struct Batch {
    results: Vec<BatchResult>,
}

#[derive(Deserialize)]
struct BatchResult {
    certificate: Option<Named>,
}

#[derive(Deserialize)]
struct Covering {
    items: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    certificate_id: String,
}

impl Server {
    /// The server at an address: its root, where `/api/v1/public` is.
    pub fn new(url: &Url) -> Result<Self> {
        ensure!(matches!(url.scheme(), "http" | "https") && url.host().is_some(), "--server: expected an http address");
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let config = EcosystemConfig {
            pypi_index: base.clone(),
            pypi_json: base.clone(),
            npm_registry: base.clone(),
            file_hosts: Vec::new(),
            total_timeout: Duration::from_secs(120),
            max_metadata_bytes: MAX_ANSWER,
            parallel_requests: PARALLEL,
            ..EcosystemConfig::official(std::path::PathBuf::new())
        };
        let http = Http::new(Arc::new(config)).map_err(unreached)?;
        Ok(Self { http, base, left: AtomicU64::new(MAX_ALL) })
    }

    /// Its address without credentials.
    pub fn shown(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        sigma_core::printable(&format!("{}://{host}{port}{}", self.base.scheme(), self.base.path()), 200)
    }

    /// The bundles of everything wanted, as far as the server has them.
    pub async fn candidates(&self, wanted: &[&Wanted]) -> Result<Vec<Vec<Candidate>>> {
        let mut ids: Vec<Vec<String>> = vec![Vec::new(); wanted.len()];
        let named: Vec<usize> = (0..wanted.len()).filter(|index| wanted[*index].package.is_some()).collect();
        for chunk in named.chunks(BATCH) {
            let packages: Vec<&PackageId> = chunk.iter().filter_map(|index| wanted[*index].package.as_ref()).collect();
            for (index, id) in chunk.iter().zip(self.of_packages(&packages).await?) {
                ids[*index].extend(id);
            }
        }
        let mut bundles: HashMap<String, Option<Candidate>> = HashMap::new();
        self.fetch(&ids, &mut bundles).await?;
        // The newest certificate of a package may be of other files of it: then it is the bytes that are asked about.
        let covered = |index: usize| {
            ids[index].iter().filter_map(|id| bundles.get(id)?.as_ref()).any(|one| one.says_it_covers(wanted[index]))
        };
        let others: Vec<(usize, Sha256)> = (0..wanted.len())
            .filter(|index| !covered(*index))
            .flat_map(|index| sha256s(&wanted[index].digests).take(MAX_DIGESTS).map(move |sha256| (index, sha256)))
            .collect();
        let asked = futures::stream::iter(others)
            .map(|(index, sha256)| async move { anyhow::Ok((index, self.of_bytes(sha256).await?)) });
        let asked: Vec<_> = asked.buffered(PARALLEL).try_collect().await?;
        for (index, more) in asked {
            ids[index].extend(more);
        }
        self.fetch(&ids, &mut bundles).await?;
        let of = |ids: Vec<String>| ids.iter().filter_map(|id| bundles.get(id).cloned().flatten()).collect();
        Ok(ids.into_iter().map(of).collect())
    }

    /// The lists of files of certificates.
    pub async fn lists(&self, ids: &[&str]) -> Result<Vec<(String, Vec<FileLists>)>> {
        let asked = futures::stream::iter(ids.iter().map(|id| (*id).to_owned())).map(|id| async move {
            let bytes = self.get(&format!("api/v1/public/certificates/{id}/files")).await?;
            let lists = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            anyhow::Ok((id, lists.into_iter().collect()))
        });
        asked.buffered(PARALLEL).try_collect().await
    }

    /// The bundle of a certificate, if the server has it.
    pub async fn bundle(&self, id: &str) -> Result<Option<Vec<u8>>> {
        ensure!(is_id(id), "got `{}`, expected a certificate's id", sigma_core::printable(id, 80));
        self.get(&format!("api/v1/public/certificates/{id}/bundle")).await
    }

    /// The report that a certificate says it was sealed from.
    pub async fn report(&self, id: &str) -> Result<Option<Vec<u8>>> {
        ensure!(is_id(id), "got `{}`, expected a certificate's id", sigma_core::printable(id, 80));
        self.get(&format!("api/v1/public/certificates/{id}/report")).await
    }

    async fn fetch(&self, ids: &[Vec<String>], bundles: &mut HashMap<String, Option<Candidate>>) -> Result<()> {
        let mut missing: Vec<String> = ids.iter().flatten().filter(|id| !bundles.contains_key(*id)).cloned().collect();
        missing.sort();
        missing.dedup();
        let asked = futures::stream::iter(missing).map(|id| async move {
            let bundle = self.bundle(&id).await?;
            anyhow::Ok((id, bundle.map(Candidate::from)))
        });
        let asked: Vec<_> = asked.buffered(PARALLEL).try_collect().await?;
        bundles.extend(asked);
        Ok(())
    }

    /// The id of the certificate that answers for each package.
    async fn of_packages(&self, packages: &[&PackageId]) -> Result<Vec<Option<String>>> {
        let purls: Vec<String> = packages.iter().map(|package| purl(package)).collect();
        let url = self.url("api/v1/public/packages/batch")?;
        let answer = self.http.post_json(&url, &serde_json::json!({ "purls": purls })).await.map_err(unreached)?;
        let answer = self.count(answer)?;
        let batch: Batch = serde_json::from_slice(&answer).map_err(|error| self.garbage(&error))?;
        if batch.results.len() != packages.len() {
            let why =
                format!("{} answered {} packages, expected {}", self.shown(), batch.results.len(), packages.len());
            return Err(unreached(why));
        }
        let ids = batch.results.into_iter().map(|result| result.certificate.map(|one| one.certificate_id));
        Ok(ids.map(|id| id.filter(|id| is_id(id))).collect())
    }

    /// Ids of certificates that cover some bytes.
    async fn of_bytes(&self, sha256: Sha256) -> Result<Vec<String>> {
        let Some(answer) = self.get(&format!("api/v1/public/packages/by-hash/{sha256}")).await? else {
            return Ok(Vec::new());
        };
        let covering: Covering = serde_json::from_slice(&answer).map_err(|error| self.garbage(&error))?;
        let ids = covering.items.into_iter().map(|one| one.certificate_id).filter(|id| is_id(id));
        Ok(ids.take(MAX_CERTIFICATES).collect())
    }

    async fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.http.get(&self.url(path)?, "application/json").await {
            Ok(answer) => Ok(Some(self.count(answer)?)),
            Err(error) if error.is_not_found() => Ok(None),
            // One answer that is too large is one that is not there: it must not keep all others from being looked at.
            Err(HttpError::TooLarge { .. }) => {
                self.count_bytes(MAX_ANSWER)?;
                Ok(None)
            }
            Err(error) => Err(unreached(error)),
        }
    }

    fn url(&self, path: &str) -> Result<Url> {
        Ok(self.base.join(path)?)
    }

    fn count(&self, answer: Vec<u8>) -> Result<Vec<u8>> {
        self.count_bytes(answer.len() as u64)?;
        Ok(answer)
    }

    fn count_bytes(&self, bytes: u64) -> Result<()> {
        let counted = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        counted.map_err(|_| unreached(format!("{} answered more than {MAX_ALL} bytes in all", self.shown())))?;
        Ok(())
    }

    fn garbage(&self, error: &serde_json::Error) -> anyhow::Error {
        unreached(format!("{} answered something else than was asked: {error}", self.shown()))
    }
}

/// `pkg_` or `sig_` and 32 characters of base32: nothing else becomes part of an address.
fn is_id(id: &str) -> bool {
    let rest = id.strip_prefix("pkg_").or_else(|| id.strip_prefix("sig_"));
    rest.is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')))
}

/// The package URL (purl-spec).
fn purl(package: &PackageId) -> String {
    let kind = match package.ecosystem() {
        Ecosystem::Pypi => "pypi",
        Ecosystem::Npm => "npm",
    };
    let name: Vec<String> = package.name().as_str().split('/').map(encoded).collect();
    format!("pkg:{kind}/{}@{}", name.join("/"), encoded(package.version()))
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_ids_become_addresses() {
        let check = |package: &str, expect: &str| assert_eq!(purl(&package.parse().unwrap()), expect);
        check("pypi:requests@2.31.0", "pkg:pypi/requests@2.31.0");
        check("pypi:torch@2.0+cpu", "pkg:pypi/torch@2.0%2Bcpu");
        check("npm:@babel/core@7.24.0", "pkg:npm/%40babel/core@7.24.0");
        assert!(is_id("pkg_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2"));
        assert!(!is_id("pkg_../../../../../../../../../../x"));
        assert!(!is_id("pkg_aaaa"));
    }
}
