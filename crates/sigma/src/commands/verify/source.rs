//! Where bundles and lists of files come from. Nothing that comes from here is believed for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sigma_certificate::FileLists;
use sigma_core::{ExpectedDigest, HashAlgorithm, Sha256};
use sigma_pipeline::{FileListing, LedgerReader};
use sigma_store::Store;
use sigma_verify::{BundleFolder, Candidate, Lists, Proven, Wanted};

use super::server::Server;
use crate::args::Verify;
use crate::config::Config;
use crate::wire;

/// Certificates of the same bytes or package that are looked at.
const MAX_CERTIFICATES: u32 = 32;

/// Where they come from.
enum Place {
    Folder(PathBuf, BundleFolder),
    Own(Box<Own>),
    Server(Server),
}

/// The store and its ledger.
struct Own {
    store: Store,
    reader: LedgerReader,
    files: FileListing,
}

/// A place, and what it gave.
pub struct Source {
    place: Place,
    /// Where to keep it.
    save: Option<PathBuf>,
    kept: BTreeMap<String, Vec<u8>>,
}

impl Source {
    /// The place that the command line names.
    pub async fn open(command: &Verify, config: &Config) -> Result<Self> {
        let place = if let Some(folder) = &command.bundles {
            Place::Folder(folder.clone(), BundleFolder::open(folder)?)
        } else if let Some(url) = &command.server {
            Place::Server(Server::new(url)?)
        } else {
            let reader = wire::ledger(config)?.reader();
            let reader = reader.context("there is no ledger here; name a folder with --bundles or a --server")?;
            let store = wire::store(config).await?;
            let files = wire::files(config, store.clone());
            Place::Own(Box::new(Own { store, reader, files }))
        };
        Ok(Self { place, save: command.save.clone(), kept: BTreeMap::new() })
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Folder(path, folder) => {
                format!(
                    "the folder {} with {} bundles",
                    sigma_core::printable(&path.to_string_lossy(), 200),
                    folder.len()
                )
            }
            Place::Own(_) => "the store and its ledger".to_owned(),
            Place::Server(server) => format!("the server {}", server.shown()),
        }
    }

    /// The bundles that may be about each of what is wanted.
    pub async fn candidates(&mut self, wanted: &[&Wanted]) -> Result<Vec<Vec<Candidate>>> {
        let found = match &self.place {
            Place::Folder(_, folder) => folder.candidates_of_all(wanted),
            Place::Own(own) => of_store(&own.store, &own.reader, wanted).await?,
            Place::Server(server) => server.candidates(wanted).await?,
        };
        if self.save.is_some() {
            for candidate in found.iter().flatten() {
                let name = format!("{}.json", Sha256::of(candidate.bytes()).short());
                self.kept.insert(name, candidate.bytes().to_vec());
            }
        }
        Ok(found)
    }

    /// The lists of files of certificates.
    pub async fn lists(&mut self, proven: impl Iterator<Item = &Proven>) -> Result<Lists> {
        let ids: HashSet<&str> = proven
            .filter(|one| one.payload.is_some())
            .filter_map(|one| one.report.certificate_id.as_deref())
            .filter(|id| id.starts_with("pkg_"))
            .collect();
        let mut ids: Vec<&str> = ids.into_iter().collect();
        ids.sort_unstable();
        let mut lists: Lists = HashMap::new();
        match &self.place {
            Place::Folder(_, folder) => {
                lists.extend(ids.into_iter().map(|id| (id.to_owned(), folder.lists(id))));
            }
            Place::Own(own) => {
                for id in ids {
                    let Some(sealed) = own.store.certificate(id).await? else { continue };
                    lists.insert(id.to_owned(), vec![own.files.of(&sealed.certificate).await?]);
                }
            }
            Place::Server(server) => lists.extend(server.lists(&ids).await?),
        }
        if self.save.is_some() {
            for (id, lists) in lists.iter().filter_map(|(id, lists)| Some((id, lists.first()?))) {
                self.kept.insert(format!("{id}.files.json"), serde_json::to_vec::<FileLists>(lists)?);
            }
        }
        Ok(lists)
    }

    /// Keeps what was given, where that is asked for.
    pub fn save(&mut self) -> Result<()> {
        let Some(folder) = &self.save else { return Ok(()) };
        let wrong = |path: &Path| format!("cannot write {}", path.display());
        std::fs::create_dir_all(folder).with_context(|| wrong(folder))?;
        for (name, bytes) in std::mem::take(&mut self.kept) {
            let path = folder.join(name);
            std::fs::write(&path, bytes).with_context(|| wrong(&path))?;
        }
        Ok(())
    }
}

async fn of_store(store: &Store, reader: &LedgerReader, wanted: &[&Wanted]) -> Result<Vec<Vec<Candidate>>> {
    let mut bundles: HashMap<String, Option<Candidate>> = HashMap::new();
    let mut found = Vec::with_capacity(wanted.len());
    for wanted in wanted {
        let mut ids: Vec<String> = Vec::new();
        if let Some(package) = &wanted.package {
            let certificates = store.certificates_of(package).await?;
            ids.extend(certificates.iter().take(MAX_CERTIFICATES as usize).map(|one| one.id().to_owned()));
        }
        if wanted.filename.is_some() {
            for sha256 in sha256s(&wanted.digests) {
                let covering = store.covering(sha256, MAX_CERTIFICATES).await?;
                ids.extend(covering.into_iter().map(|listed| listed.record.id));
            }
        }
        ids.sort();
        ids.dedup();
        let mut candidates = Vec::new();
        for id in ids {
            if !bundles.contains_key(&id) {
                let bundle = reader.bundle(store, &id).await?;
                let bundle = bundle.map(|bundle| serde_json::to_vec(&bundle)).transpose()?;
                bundles.insert(id.clone(), bundle.map(Candidate::from));
            }
            candidates.extend(bundles.get(&id).cloned().flatten());
        }
        found.push(candidates);
    }
    Ok(found)
}

/// The SHA-256 digests among others.
pub(super) fn sha256s(digests: &[ExpectedDigest]) -> impl Iterator<Item = Sha256> {
    let of_kind = digests.iter().filter(|digest| digest.algorithm() == HashAlgorithm::Sha256);
    of_kind.filter_map(|digest| Some(Sha256::from_bytes(digest.as_bytes().try_into().ok()?)))
}
