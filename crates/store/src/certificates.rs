//! Certificates: stored once, looked up by what an installer would take.

use std::collections::HashMap;

use sigma_certificate::{PackageCertificate, PackagePayload};
use sigma_core::{ExpectedDigest, HashAlgorithm, PackageId};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use crate::database::placeholders;
use crate::reader::committed;
use crate::{Store, StoreError, Writing, announced};

/// A certificate with what it was sealed from, as canonical bytes.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The certificate.
    pub certificate: PackageCertificate,
    /// Canonical bytes of the report.
    pub report: Vec<u8>,
    /// Canonical bytes of the ruling.
    pub round: Vec<u8>,
}

/// What a certificate is looked up by: the exact package, and the digests of the distribution that would be installed.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The exact package.
    pub package: &'a PackageId,
    /// Published or pinned digests of the distribution. A certificate counts when it covers one of these bytes.
    pub digests: &'a [ExpectedDigest],
}

/// SQLite allows 32,766 bound values in a statement; a look-up binds a few for each package.
const LOOKUP_CHUNK: usize = 400;

/// Certificates of an exact package. The sign keeps the planner from reading those of a whole ecosystem because they are in this order.
pub(crate) const OF_PACKAGE: &str =
    "SELECT payload, id FROM certificate WHERE ecosystem = $1 AND name = $2 AND version = $3
     ORDER BY +certified_at DESC, id";

impl Store {
    /// Stores a certificate durably, or returns the one that another audit of the same bytes sealed first.
    pub async fn insert(&self, sealed: &Sealed) -> Result<PackageCertificate, StoreError> {
        let mut writing = self.begin().await?;
        let stored = writing.insert(sealed).await?;
        writing.commit(sealed.certificate.payload().certified_at).await?;
        Ok(stored)
    }

    /// Stores many certificates durably, all or none; those that were sealed first stay.
    pub async fn insert_all(&self, sealed: &[Sealed]) -> Result<(), StoreError> {
        let mut transaction = self.database.write().await?;
        for one in sealed {
            insert(&mut transaction, one).await?;
        }
        transaction.commit().await?;
        committed();
        Ok(())
    }

    /// Looks many packages up at once, under one ruleset. The answer holds, for each index of `wanted`, the newest
    /// certificate whose preferred distribution has one of the wanted digests. SHA-1 alone never identifies bytes.
    pub async fn lookup(
        &self,
        wanted: &[Wanted<'_>],
        ruleset: &str,
    ) -> Result<HashMap<usize, PackageCertificate>, StoreError> {
        let mut found = HashMap::new();
        for (chunk_index, chunk) in wanted.chunks(LOOKUP_CHUNK).enumerate() {
            let digests: Vec<String> =
                chunk.iter().flat_map(|wanted| strong(wanted.digests)).map(ToString::to_string).collect();
            if digests.is_empty() {
                continue;
            }
            let sql = format!(
                "SELECT c.ecosystem, c.name, c.version, d.digest, c.payload, c.id FROM certificate_digest d
                 JOIN certificate c ON c.id = d.certificate_id
                 WHERE d.preferred = 1 AND c.ruleset = $1 AND d.digest IN (VALUES {})
                 ORDER BY c.certified_at, c.id",
                placeholders(2, digests.len(), 1)
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(ruleset);
            let rows = digests.into_iter().fold(query, |query, digest| query.bind(digest));
            let rows = rows.fetch_all(&self.database.pool).await?;
            let mut by_key: HashMap<(String, String, String, String), &AnyRow> = HashMap::new();
            for row in &rows {
                by_key.insert((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?), row);
            }
            for (index, wanted) in chunk.iter().enumerate() {
                let row = strong(wanted.digests).find_map(|digest| {
                    let id = wanted.package;
                    let ecosystem = id.ecosystem().to_string();
                    by_key.get(&(ecosystem, id.name().to_string(), id.version().to_owned(), digest.to_string()))
                });
                if let Some(row) = row {
                    let certificate = open_parts(row.try_get(4)?, row.try_get(5)?)?;
                    found.insert(chunk_index * LOOKUP_CHUNK + index, certificate);
                }
            }
        }
        Ok(found)
    }

    /// Every certificate of an exact package, newest first.
    pub async fn certificates_of(&self, package: &PackageId) -> Result<Vec<PackageCertificate>, StoreError> {
        let rows = sqlx::query(OF_PACKAGE)
            .bind(package.ecosystem().as_str())
            .bind(package.name().as_str())
            .bind(package.version())
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(open).collect()
    }

    /// The certificate with an id, with its report and round.
    pub async fn certificate(&self, id: &str) -> Result<Option<Sealed>, StoreError> {
        let row = sqlx::query("SELECT payload, id, report, round FROM certificate WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.database.pool)
            .await?;
        row.map(|row| Ok(Sealed { certificate: open(&row)?, report: row.try_get(2)?, round: row.try_get(3)? }))
            .transpose()
    }
}

impl Writing {
    /// Stores a certificate, or returns the one that another audit of the same bytes sealed first.
    ///
    /// # Errors
    /// When the database refuses, or the certificate that is there is damaged.
    pub async fn insert(&mut self, sealed: &Sealed) -> Result<PackageCertificate, StoreError> {
        match insert(&mut self.transaction, sealed).await? {
            true => {
                self.answers_change = true;
                Ok(sealed.certificate.clone())
            }
            false => first(&mut self.transaction, sealed.certificate.payload()).await,
        }
    }
}

/// Inserts a certificate and its digests. False when another one of the same bytes is there.
async fn insert(transaction: &mut Transaction<'_, Any>, sealed: &Sealed) -> Result<bool, StoreError> {
    let certificate = &sealed.certificate;
    let payload = certificate.payload();
    let replaces = replaced(transaction, payload).await?;
    let inserted = sqlx::query(
        "INSERT INTO certificate (id, ecosystem, name, version, distribution_sha256, ruleset, replaces, level, certified_at,
             payload_hash, payload, report, round)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (ecosystem, name, version, distribution_sha256, ruleset, replaces) DO NOTHING",
    )
    .bind(certificate.id())
    .bind(payload.registry_source.as_str())
    .bind(&payload.package_name)
    .bind(&payload.package_version)
    .bind(payload.distribution_sha256.to_string())
    .bind(&payload.ruleset_version)
    .bind(replaces)
    .bind(payload.security_level.as_str())
    .bind(payload.certified_at.as_millis())
    .bind(certificate.payload_hash())
    .bind(certificate.canonical().to_vec())
    .bind(sealed.report.as_slice())
    .bind(sealed.round.as_slice())
    .execute(&mut **transaction)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    announced::wait(transaction, certificate.id()).await?;
    for (index, distribution) in payload.distributions.iter().enumerate() {
        let digests = [
            ExpectedDigest::from(distribution.sha256),
            ExpectedDigest::from(distribution.sha512),
            ExpectedDigest::from(distribution.sha1),
        ];
        for digest in digests {
            sqlx::query("INSERT INTO certificate_digest (digest, certificate_id, preferred) VALUES ($1, $2, $3)")
                .bind(digest.to_string())
                .bind(certificate.id())
                .bind(i64::from(index == 0))
                .execute(&mut **transaction)
                .await?;
        }
    }
    Ok(true)
}

/// The certificate of the same bytes and rules that this one replaces, or nothing. One of other rules is superseded too, but the
/// first audit under new rules is a first audit: of two at the same time, one is stored.
async fn replaced(transaction: &mut Transaction<'_, Any>, payload: &PackagePayload) -> Result<String, StoreError> {
    let Some(supersedes) = &payload.supersedes else { return Ok(String::new()) };
    let row = sqlx::query(
        "SELECT id FROM certificate WHERE id = $1 AND ecosystem = $2 AND name = $3 AND version = $4
             AND distribution_sha256 = $5 AND ruleset = $6",
    )
    .bind(supersedes)
    .bind(payload.registry_source.as_str())
    .bind(&payload.package_name)
    .bind(&payload.package_version)
    .bind(payload.distribution_sha256.to_string())
    .bind(&payload.ruleset_version)
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

/// The certificate of the same bytes that was sealed first.
async fn first(
    transaction: &mut Transaction<'_, Any>,
    payload: &PackagePayload,
) -> Result<PackageCertificate, StoreError> {
    let replaces = replaced(transaction, payload).await?;
    let row = sqlx::query(
        "SELECT payload, id FROM certificate
         WHERE ecosystem = $1 AND name = $2 AND version = $3 AND distribution_sha256 = $4 AND ruleset = $5
             AND replaces = $6",
    )
    .bind(payload.registry_source.as_str())
    .bind(&payload.package_name)
    .bind(&payload.package_version)
    .bind(payload.distribution_sha256.to_string())
    .bind(&payload.ruleset_version)
    .bind(replaces)
    .fetch_one(&mut **transaction)
    .await?;
    open(&row)
}

pub(crate) fn strong(digests: &[ExpectedDigest]) -> impl Iterator<Item = &ExpectedDigest> {
    digests.iter().filter(|digest| matches!(digest.algorithm(), HashAlgorithm::Sha256 | HashAlgorithm::Sha512))
}

fn open(row: &AnyRow) -> Result<PackageCertificate, StoreError> {
    open_parts(row.try_get(0)?, row.try_get(1)?)
}

/// The id follows from the bytes, so it shows whether they are still the ones that were sealed.
fn open_parts(payload: Vec<u8>, id: String) -> Result<PackageCertificate, StoreError> {
    PackageCertificate::reopen(&id, payload)
        .map_err(|error| StoreError::Damaged { what: format!("certificate {id}"), why: error.to_string() })
}
