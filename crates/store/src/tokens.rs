//! Tokens of the developer plane: who may do what, and until when.
//!
//! In: a new secret once, and what callers present. Out: whose token it is. Only the hash of a secret is kept, and hashes are
//! compared in constant time.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sigma_core::{Sha256, Timestamp, printable};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use subtle::ConstantTimeEq as _;

use crate::{Store, StoreError};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See one's own drafts and submissions.
    Read,
    /// Make drafts, preview and submit them.
    Submit,
    /// Work on the registry itself.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Submit, Self::Admin];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got scope `{0}`, expected read, submit or admin")]
pub struct NoScope(String);

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| NoScope(printable(text, 40)))
    }
}

/// A token's secret text: `sgm_` and 51 characters of base 32, of which the first eight name it. Never logged: its `Debug`
/// tells the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Characters after `sgm_`: 32 bytes in base 32 without padding.
const LENGTH: usize = 52;
/// Characters of them that name the token; the others, 220 bits, are what must not be guessed.
const NAME: usize = 8;

impl Secret {
    /// From 32 bytes that the operating system drew at random.
    pub fn of(random: [u8; 32]) -> Self {
        Self(format!("sgm_{}", data_encoding::BASE32_NOPAD.encode(&random).to_ascii_lowercase()))
    }

    /// Reads what a caller presents. `None` when it cannot be a token.
    pub fn read(text: &str) -> Option<Self> {
        let body = text.strip_prefix("sgm_")?;
        let valid = body.len() == LENGTH && body.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        valid.then(|| Self(text.to_owned()))
    }

    /// `sgm_` and eight characters: what people name the token by.
    pub fn prefix(&self) -> &str {
        &self.0[..4 + NAME]
    }

    /// The whole text, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}...)", self.prefix())
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `sgm_` and eight characters.
    pub prefix: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// Whose drafts and submissions it leads to.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A use is written down when the last one that was is older than this.
const MINUTE: i64 = 60_000;

const COLUMNS: &str = "prefix, scopes, owner, created_at, expires_at, revoked_at, last_used_at";

impl Store {
    /// Stores a new token. `false` when its prefix is taken, which happens by chance only: draw again.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_token(&self, secret: &Secret, token: &Token) -> Result<bool, StoreError> {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        let added = sqlx::query(
            "INSERT INTO token (prefix, sha256, scopes, owner, created_at, expires_at, revoked_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0) ON CONFLICT DO NOTHING",
        )
        .bind(secret.prefix())
        .bind(secret.hash().to_string())
        .bind(scopes.join(" "))
        .bind(&token.owner)
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.as_millis())
        .execute(&self.database.pool)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// The token that a caller presents, if it is one of ours, is not revoked and has not expired.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn authenticate(&self, secret: &Secret, now: Timestamp) -> Result<Option<Token>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, sha256 FROM token WHERE prefix = $1");
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(secret.prefix()).fetch_optional(&self.database.pool).await?;
        let presented = secret.hash().to_string();
        // A prefix that nobody has is compared too: it takes as long as one that somebody has.
        let known: String = match &row {
            Some(row) => row.try_get(7)?,
            None => "0".repeat(64),
        };
        let same = bool::from(known.as_bytes().ct_eq(presented.as_bytes()));
        let Some(token) = row.filter(|_| same).map(|row| read(&row)).transpose()? else { return Ok(None) };
        if token.revoked_at.is_some() || token.expires_at <= now {
            return Ok(None);
        }
        let last = token.last_used_at.map_or(0, Timestamp::as_millis);
        if now.as_millis().saturating_sub(last) >= MINUTE {
            sqlx::query("UPDATE token SET last_used_at = $2 WHERE prefix = $1 AND last_used_at < $2")
                .bind(&token.prefix)
                .bind(now.as_millis())
                .execute(&self.database.pool)
                .await?;
        }
        Ok(Some(token))
    }

    /// Every token, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM token ORDER BY created_at DESC, prefix");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.database.pool).await?;
        rows.iter().map(read).collect()
    }

    /// Revokes a token at once and for good. `false` when there is none with this prefix that is not revoked yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn revoke_token(&self, prefix: &str, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = sqlx::query("UPDATE token SET revoked_at = $2 WHERE prefix = $1 AND revoked_at = 0")
            .bind(prefix)
            .bind(now.as_millis())
            .execute(&self.database.pool)
            .await?;
        Ok(revoked.rows_affected() == 1)
    }
}

fn read(row: &AnyRow) -> Result<Token, StoreError> {
    let time = |index| -> Result<Option<Timestamp>, StoreError> {
        let millis: i64 = row.try_get(index)?;
        Ok((millis != 0).then(|| Timestamp::from_millis(millis)))
    };
    let scopes: String = row.try_get(1)?;
    Ok(Token {
        prefix: row.try_get(0)?,
        // A word that this version does not know allows nothing.
        scopes: scopes.split(' ').filter_map(|word| word.parse().ok()).collect(),
        owner: row.try_get(2)?,
        created_at: Timestamp::from_millis(row.try_get(3)?),
        expires_at: Timestamp::from_millis(row.try_get(4)?),
        revoked_at: time(5)?,
        last_used_at: time(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::store;

    fn token(owner: &str, expires_at: i64) -> Token {
        Token {
            prefix: String::new(),
            scopes: BTreeSet::from([Scope::Submit, Scope::Read]),
            owner: owner.to_owned(),
            created_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(expires_at),
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn only_our_own_form_is_read() {
        let secret = Secret::of([7; 32]);
        assert_eq!(Secret::read(secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), format!("Secret({}...)", secret.prefix()), "no secret in a log");
        let upper = secret.expose().to_uppercase();
        for wrong in ["", "sgm_", "sgm_a", &upper, &secret.expose()[1..], &format!("{}a", secret.expose())] {
            assert_eq!(Secret::read(wrong), None, "{wrong}");
        }
        assert_eq!(Secret::read(&format!("sgm_{}", "é".repeat(26))), None);
    }

    #[tokio::test]
    async fn a_token_is_known_by_its_whole_secret_until_it_ends() {
        let (_place, store) = store().await;
        let secret = Secret::of([7; 32]);
        assert!(store.add_token(&secret, &token("ann", 1_000_000)).await.unwrap());
        assert!(!store.add_token(&secret, &token("bob", 1_000_000)).await.unwrap(), "the prefix is taken");
        let ask =
            async |secret: &Secret, at: i64| store.authenticate(secret, Timestamp::from_millis(at)).await.unwrap();

        let known = ask(&secret, 100_000).await.unwrap();
        assert_eq!((known.owner.as_str(), known.scopes.len()), ("ann", 2));
        // The right prefix and a wrong rest, as somebody who saw a list of prefixes would guess.
        let guess = format!("{}{}", secret.prefix(), "a".repeat(LENGTH - NAME));
        assert!(ask(&Secret::read(&guess).unwrap(), 100_000).await.is_none());
        assert!(ask(&Secret::of([8; 32]), 100_000).await.is_none());
        assert!(ask(&secret, 1_000_000).await.is_none(), "expired");

        let used = async || store.tokens().await.unwrap()[0].last_used_at.map(Timestamp::as_millis);
        assert_eq!(used().await, Some(100_000));
        ask(&secret, 159_999).await.unwrap();
        assert_eq!(used().await, Some(100_000), "written once a minute");
        ask(&secret, 160_000).await.unwrap();
        assert_eq!(used().await, Some(160_000));

        assert!(store.revoke_token(secret.prefix(), Timestamp::from_millis(5)).await.unwrap());
        assert!(!store.revoke_token(secret.prefix(), Timestamp::from_millis(6)).await.unwrap());
        assert!(ask(&secret, 100_000).await.is_none(), "revoked");
        let stored = sqlx::query("SELECT * FROM token").fetch_one(&store.database.pool).await.unwrap();
        assert_eq!(stored.try_get::<String, _>(1).unwrap(), Sha256::of(secret.expose().as_bytes()).to_string());
    }
}
