//! npm's attestations of a version: announced in the packument (`dist.attestations`), served by the registry at
//! `-/npm/v1/attestations/<name>@<version>`.
//!
//! In: an exact package. Out: [`Attestations`]. The address is the configured registry's, as with npm itself: the one that a
//! packument names would tell others which packages are looked at. A registry whose packuments carry neither attestations nor
//! signatures is not one that tells of attestations; the public one signs every version.

use sigma_core::PackageId;

use super::Npm;
use super::packument::{Known, Published};
use crate::http::shown;
use crate::{Attestations, HttpError};

impl Npm {
    /// What the registry serves for a version.
    pub async fn attestations(&self, id: &PackageId) -> Attestations {
        let packument = match self.registry.packument(id.name().as_str(), false).await {
            Known::Packument(packument) => packument,
            Known::Unknown => return Attestations::unavailable("the registry does not list the package"),
            Known::Failed(error) => return Attestations::unavailable(&error.to_string()),
        };
        let Some(listed) = packument.version(id.version()) else {
            return Attestations::unavailable("the registry does not list the version");
        };
        let Published { attested, signed, .. } = **listed.read();
        match (attested, signed) {
            (true, _) => match self.address(id) {
                Ok(url) => Attestations::fetch(&self.http, &url, "application/json").await,
                Err(error) => Attestations::unavailable(&error.to_string()),
            },
            (false, true) => Attestations::Absent,
            (false, false) => {
                Attestations::unavailable("the registry tells neither of attestations nor of signatures of the version")
            }
        }
    }

    /// `@scope/name` is one segment: its slash is encoded.
    fn address(&self, id: &PackageId) -> Result<url::Url, HttpError> {
        let base = &self.config.npm_registry;
        let name = id.name().as_str().replace('/', "%2F");
        let path = format!("./-/npm/v1/attestations/{name}@{}", id.version());
        base.join(&path).map_err(|error| HttpError::Forbidden { url: shown(base), why: error.to_string() })
    }
}
