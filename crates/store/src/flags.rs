//! What the public says about certificates, and what operators make of it.
//!
//! In: a category and a text that a stranger wrote, printable before it gets here. Out: lists for operators; for the public
//! nothing but how many are open. A flag changes nothing by itself.

use std::fmt;
use std::str::FromStr;

use sigma_core::{PackageId, Timestamp, printable};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{NewEntry, Store, StoreError};

/// What a flag is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagCategory {
    /// The package does harm.
    MaliciousCode,
    /// Somebody else has the account that publishes it.
    AccountTakeover,
    /// It has a weakness that others could use.
    Vulnerability,
    /// It pretends to be another package.
    Impersonation,
    /// The certificate holds something against it that is not so.
    FalseAlarm,
    /// None of these.
    Other,
}

/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagState {
    /// Nobody has looked at it yet.
    Open,
    /// An operator found it right.
    Upheld,
    /// An operator found nothing in it.
    Dismissed,
}

/// A word that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got `{got}`, expected {expected}")]
pub struct NoFlagWord {
    got: String,
    expected: &'static str,
}

impl FlagCategory {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MaliciousCode,
        Self::AccountTakeover,
        Self::Vulnerability,
        Self::Impersonation,
        Self::FalseAlarm,
        Self::Other,
    ];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaliciousCode => "malicious-code",
            Self::AccountTakeover => "account-takeover",
            Self::Vulnerability => "vulnerability",
            Self::Impersonation => "impersonation",
            Self::FalseAlarm => "false-alarm",
            Self::Other => "other",
        }
    }
}

impl FlagState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Upheld, Self::Dismissed];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}

impl fmt::Display for FlagCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for FlagState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FlagCategory {
    type Err = NoFlagWord;

    fn from_str(text: &str) -> Result<Self, NoFlagWord> {
        const EXPECTED: &str = "malicious-code, account-takeover, vulnerability, impersonation, false-alarm or other";
        let none = || NoFlagWord { got: printable(text, 40), expected: EXPECTED };
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(none)
    }
}

impl FromStr for FlagState {
    type Err = NoFlagWord;

    fn from_str(text: &str) -> Result<Self, NoFlagWord> {
        let none = || NoFlagWord { got: printable(text, 40), expected: "open, upheld or dismissed" };
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(none)
    }
}

/// What somebody says about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// `flg_` and 32 characters.
    pub id: String,
    /// The exact package; nothing where the certificate is of a submission.
    pub package: Option<PackageId>,
    /// The certificate that answered for it then.
    pub certificate: String,
    /// What it is about.
    pub category: FlagCategory,
    /// What was written, printable.
    pub text: String,
    /// How whoever wrote it can be reached, printable; for operators alone.
    pub contact: Option<String>,
    /// When it came.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: FlagState,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, ecosystem, name, version, certificate_id, category, text, contact, created_at, state, settled_at";

impl Store {
    /// Stores a new flag. `false` when its id is taken, which happens by chance only: draw again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_flag(&self, flag: &Flag) -> Result<bool, StoreError> {
        let mut writing = self.begin().await?;
        let sql = format!(
            "INSERT INTO flag ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING"
        );
        let package = flag.package.as_ref();
        let added = sqlx::query(AssertSqlSafe(sql))
            .bind(&flag.id)
            .bind(package.map_or("", |package| package.ecosystem().as_str()))
            .bind(package.map_or("", |package| package.name().as_str()))
            .bind(package.map_or("", PackageId::version))
            .bind(&flag.certificate)
            .bind(flag.category.as_str())
            .bind(&flag.text)
            .bind(flag.contact.as_deref().unwrap_or_default())
            .bind(flag.created_at.as_millis())
            .bind(flag.state.as_str())
            .bind(flag.settled_at.map_or(0, Timestamp::as_millis))
            .execute(&mut *writing.transaction)
            .await?;
        writing.answers_change = true;
        writing.commit(flag.created_at).await?;
        Ok(added.rows_affected() == 1)
    }

    /// How many flags of an exact package are open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_flags(&self, package: &PackageId) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) FROM flag WHERE ecosystem = $1 AND name = $2 AND version = $3 AND state = 'open'",
        )
        .bind(package.ecosystem().as_str())
        .bind(package.name().as_str())
        .bind(package.version())
        .fetch_one(&self.database.pool)
        .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// How many flags of one certificate are open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn open_flags_of_certificate(&self, id: &str) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM flag WHERE certificate_id = $1 AND state = 'open'")
            .bind(id)
            .fetch_one(&self.database.pool)
            .await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// How many flags are open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count_open_flags(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) FROM flag WHERE state = 'open'").fetch_one(&self.database.pool).await?;
        Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
    }

    /// True when at least `most` flags came after a time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn flags_reach(&self, most: u32, after: Timestamp) -> Result<bool, StoreError> {
        let Some(before_last) = most.checked_sub(1) else { return Ok(true) };
        let row = sqlx::query("SELECT 1 FROM flag WHERE created_at > $1 LIMIT 1 OFFSET $2")
            .bind(after.as_millis())
            .bind(i64::from(before_last))
            .fetch_optional(&self.database.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Flags in a state, or in any, after a place, the oldest first.
    ///
    /// # Errors
    /// When the database refuses, or what it holds is damaged.
    pub async fn flags(
        &self,
        state: Option<FlagState>,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Flag>, StoreError> {
        let (at, id) = after.map_or((i64::MIN, ""), |(at, id)| (at.as_millis(), id));
        let of = if state.is_some() { "AND state = $4" } else { "" };
        let sql = format!(
            "SELECT {COLUMNS} FROM flag WHERE (created_at, id) > ($1, $2) {of} ORDER BY created_at, id LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(at).bind(id).bind(i64::from(limit));
        let query = state.into_iter().fold(query, |query, state| query.bind(state.as_str()));
        query.fetch_all(&self.database.pool).await?.iter().map(read).collect()
    }

    /// Settles an open flag for good, and records who did and why. The flag as it is then; `None` when none is open under
    /// this id.
    ///
    /// # Errors
    /// When the database refuses, or what it holds is damaged.
    pub async fn settle_flag(
        &self,
        id: &str,
        upheld: bool,
        reason: &str,
        operator: &str,
        at: Timestamp,
    ) -> Result<Option<Flag>, StoreError> {
        let state = if upheld { FlagState::Upheld } else { FlagState::Dismissed };
        let mut writing = self.begin().await?;
        let entry = NewEntry { action: "settle", subject: id, level: "", detail: state.as_str(), reason, operator, at };
        writing.record(&entry).await?;
        let sql =
            format!("UPDATE flag SET state = $2, settled_at = $3 WHERE id = $1 AND state = 'open' RETURNING {COLUMNS}");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(state.as_str())
            .bind(at.as_millis())
            .fetch_optional(&mut *writing.transaction)
            .await?;
        // Dropped without a commit, the entry of the log is undone too.
        let Some(flag) = row.as_ref().map(read).transpose()? else { return Ok(None) };
        writing.answers_change = true;
        writing.commit(at).await?;
        Ok(Some(flag))
    }
}

fn read(row: &AnyRow) -> Result<Flag, StoreError> {
    let id: String = row.try_get(0)?;
    let damaged = |why: String| StoreError::Damaged { what: format!("flag {id}"), why };
    let (ecosystem, name, version): (String, String, String) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let package = match ecosystem.is_empty() {
        true => None,
        false => {
            let package = format!("{ecosystem}:{name}@{version}");
            Some(package.parse().map_err(|error| damaged(format!("{error}")))?)
        }
    };
    let (category, state): (&str, &str) = (row.try_get(5)?, row.try_get(9)?);
    let (contact, settled_at): (String, i64) = (row.try_get(7)?, row.try_get(10)?);
    Ok(Flag {
        package,
        certificate: row.try_get(4)?,
        category: category.parse().map_err(|error: NoFlagWord| damaged(error.to_string()))?,
        text: row.try_get(6)?,
        contact: Some(contact).filter(|contact| !contact.is_empty()),
        created_at: Timestamp::from_millis(row.try_get(8)?),
        state: state.parse().map_err(|error: NoFlagWord| damaged(error.to_string()))?,
        settled_at: (settled_at != 0).then(|| Timestamp::from_millis(settled_at)),
        id,
    })
}
