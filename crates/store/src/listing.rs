//! Lists of certificates: page by page, newest first; by name; by the bytes that they cover.
//!
//! In: filters and where the last page ended. Out: records. Every page is found through an index, whatever the filter, so that a
//! stranger's question costs no more than its answer. A walk from the first page to the last sees every certificate that was
//! there when it began: pages go by (time, id) downwards, and what is sealed meanwhile is above them.

use sigma_core::{Ecosystem, PackageId, PackageName, SecurityLevel, Sha256};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row as _};

use crate::announced::ANNOUNCED;
use crate::decisions::{COLUMNS, NEWEST, decision};
use crate::reader::level;
use crate::{Record, Store, StoreError};

/// A certificate in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What it certifies.
    pub package: PackageId,
    /// What is stored.
    pub record: Record,
}

/// What a list is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one ecosystem.
    pub ecosystem: Option<Ecosystem>,
    /// Of one name, exactly.
    pub name: Option<String>,
    /// With this level now: operators' decisions count.
    pub level: Option<SecurityLevel>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When its last certificate was sealed, in milliseconds since 1970.
    pub certified_at: i64,
    /// That certificate's id.
    pub id: String,
}

/// The level that holds now, of certificate `c` with its newest decision `e`.
pub(crate) const EFFECTIVE: &str =
    "(CASE WHEN e.action IS NULL THEN c.level WHEN e.action = 'override' THEN e.level ELSE 'BLOCKED' END)";

const LISTED: &str = "c.ecosystem, c.name, c.version, c.id, c.payload_hash, c.certified_at, c.payload, c.level";

impl Store {
    /// The certificates after a cursor, newest first.
    pub async fn page(&self, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Result<Vec<Listed>, StoreError> {
        let ecosystems = match filter.ecosystem {
            Some(ecosystem) => vec![ecosystem],
            None => vec![Ecosystem::Pypi, Ecosystem::Npm],
        };
        let mut found = Vec::new();
        for ecosystem in ecosystems {
            match filter.level {
                None => found.extend(self.page_of(ecosystem, filter, after, limit, None).await?),
                // Two ways to have a level now: sealed with it, and given it. Each has its own index.
                Some(_) => {
                    found.extend(self.page_of(ecosystem, filter, after, limit, Some(Level::Sealed)).await?);
                    found.extend(self.page_of(ecosystem, filter, after, limit, Some(Level::Given)).await?);
                }
            }
        }
        found.sort_by(|a, b| (b.record.certified_at, &b.record.id).cmp(&(a.record.certified_at, &a.record.id)));
        found.truncate(limit as usize);
        Ok(found)
    }

    /// One ecosystem's part of a page, of those that have the wanted level in one way.
    async fn page_of(
        &self,
        ecosystem: Ecosystem,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: u32,
        way: Option<Level>,
    ) -> Result<Vec<Listed>, StoreError> {
        let (sql, texts) = page_sql(filter, way);
        let (at, id) = after.map_or((i64::MAX, ""), |cursor| (cursor.certified_at, cursor.id.as_str()));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(ecosystem.as_str()).bind(at).bind(id).bind(i64::from(limit));
        self.listed(texts.into_iter().fold(query, |query, text| query.bind(text))).await
    }

    /// Certificates of a name that are CAUTION or BLOCKED now, in order of id, after an id.
    pub async fn concerns(&self, name: &PackageName, after: &str, limit: u32) -> Result<Vec<Listed>, StoreError> {
        let sql = format!(
            "SELECT {LISTED}, {COLUMNS} FROM certificate c {NEWEST}
             WHERE c.ecosystem = $1 AND c.name = $2 AND c.id > $3 AND {EFFECTIVE} IN ('CAUTION', 'BLOCKED')
                 AND {ANNOUNCED}
             ORDER BY c.id LIMIT $4"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(name.ecosystem().as_str())
            .bind(name.as_str())
            .bind(after)
            .bind(i64::from(limit));
        self.listed(query).await
    }

    /// Certificates that cover these bytes, newest first.
    pub async fn covering(&self, sha256: Sha256, limit: u32) -> Result<Vec<Listed>, StoreError> {
        let sql = format!(
            "SELECT {LISTED}, {COLUMNS} FROM certificate_digest g JOIN certificate c ON c.id = g.certificate_id {NEWEST}
             WHERE g.digest = $1 AND {ANNOUNCED} ORDER BY c.certified_at DESC, c.id DESC LIMIT $2"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(format!("sha256:{sha256}")).bind(i64::from(limit));
        self.listed(query).await
    }

    /// The certificate with an id, and how it stands.
    pub async fn stands(&self, id: &str) -> Result<Option<Listed>, StoreError> {
        let sql = format!("SELECT {LISTED}, {COLUMNS} FROM certificate c {NEWEST} WHERE c.id = $1 AND {ANNOUNCED}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id);
        Ok(self.listed(query).await?.pop())
    }

    /// Names that begin with a text, in order, after a name, with the number of their certificates.
    pub async fn names(
        &self,
        ecosystem: Ecosystem,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        // Names are printable ASCII, so DEL is above all of them.
        let sql = format!(
            "SELECT c.name, COUNT(*) FROM certificate c
             WHERE c.ecosystem = $1 AND c.name >= $2 AND c.name < $3 AND c.name > $4 AND {ANNOUNCED}
             GROUP BY c.name ORDER BY c.name LIMIT $5"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(ecosystem.as_str())
            .bind(prefix)
            .bind(format!("{prefix}\u{7f}"))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.database.pool)
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.unsigned_abs()))).collect()
    }

    async fn listed(&self, query: Query<'_, Any, AnyArguments>) -> Result<Vec<Listed>, StoreError> {
        query.fetch_all(&self.database.pool).await?.iter().map(listed).collect()
    }
}

/// How a certificate comes to have its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// It was sealed with it.
    Sealed,
    /// An operator's decision gave it.
    Given,
}

/// The statement of a page, and what it is asked with from `$5` on.
pub(crate) fn page_sql(filter: &Filter, way: Option<Level>) -> (String, Vec<&str>) {
    let given = way == Some(Level::Given);
    // Names have few certificates each: with the sign, the planner finds those, and reads no others because they are in this order. Few
    // certificates were decided about: with both, it begins with the decisions.
    let time = if filter.name.is_some() || given { "+c.certified_at" } else { "c.certified_at" };
    let from = match given {
        true => "admin_event e CROSS JOIN certificate c".to_owned(),
        false => format!("certificate c {NEWEST}"),
    };
    let mut sql = format!(
        "SELECT {LISTED}, {COLUMNS} FROM {from}
         WHERE c.ecosystem = $1 AND ({time}, c.id) < ($2, $3) AND {ANNOUNCED}"
    );
    if given {
        sql.push_str(" AND c.id = e.subject AND NOT EXISTS (SELECT 1 FROM admin_event n WHERE n.subject = e.subject AND n.seq > e.seq)");
    }
    let mut texts = Vec::new();
    if let Some(name) = &filter.name {
        texts.push(name.as_str());
        sql.push_str(&format!(" AND c.name = ${}", 4 + texts.len()));
    }
    if let (Some(level), Some(way)) = (filter.level, way) {
        texts.push(level.as_str());
        let number = 4 + texts.len();
        let sealed = match way {
            Level::Sealed => "c.level =",
            Level::Given => "c.level <>",
        };
        sql.push_str(&format!(" AND {sealed} ${number} AND {EFFECTIVE} = ${number}"));
    }
    sql.push_str(&format!(" ORDER BY {time} DESC, c.id DESC LIMIT $4"));
    (sql, texts)
}

fn listed(row: &AnyRow) -> Result<Listed, StoreError> {
    let (ecosystem, name, version): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let id: String = row.try_get(3)?;
    let record = Record {
        level: level(&id, row.try_get(7)?)?,
        id,
        payload_hash: row.try_get(4)?,
        certified_at: row.try_get(5)?,
        payload: row.try_get(6)?,
        decision: decision(row, 8)?,
        advisories: None,
        anchor: None,
    };
    let package = format!("{ecosystem}:{name}@{version}");
    let package = package
        .parse()
        .map_err(|error| StoreError::Damaged { what: format!("certificate {}", record.id), why: format!("{error}") })?;
    Ok(Listed { package, record })
}
