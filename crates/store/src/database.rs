//! The database below the store: SQLite in the store's own folder, or PostgreSQL for many processes and machines.
//!
//! Both run the same statements: `$1` placeholders, BIGINT, TEXT and bytes, nothing else. Only what is different in kind is
//! told apart here: how a connection is prepared, and how a writing transaction begins.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::postgres::PgRow;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions as _, Row as _, Transaction};
use url::Url;

use crate::locking::Waiting;
use crate::{DATABASE, StoreError};

/// Which database a store uses.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Database {
    /// SQLite, a file in the store's folder.
    #[default]
    Embedded,
    /// PostgreSQL, by its connection URL.
    Postgres(Url),
}

/// A connection URL may hold a password: only its kind is told.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Embedded => "Embedded",
            Self::Postgres(_) => "Postgres",
        })
    }
}

impl std::str::FromStr for Database {
    type Err = StoreError;

    /// Reads a `postgres://` or `postgresql://` URL. The text may hold a password, so an error does not repeat it.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "postgres" | "postgresql") => Ok(Self::Postgres(url)),
            Ok(url) => Err(StoreError::DatabaseUrl(format!("the scheme {}", url.scheme()))),
            Err(error) => Err(StoreError::DatabaseUrl(error.to_string())),
        }
    }
}

/// An open database: what [`Database`] names, and its connections.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) pool: AnyPool,
    options: AnyConnectOptions,
    kind: Kind,
    /// Connections that hold no lock at the moment.
    pub(crate) waiting: Waiting,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// What every SQLite connection is told. FULL: a certificate that was announced survives a power failure, not only a
/// crash of the process. Waiting for another writer is ordinary, so the limit is generous.
const PRAGMAS: &str = "PRAGMA busy_timeout = 30000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;";

/// Connections of one process. SQLite writes one at a time anyway; PostgreSQL allows a hundred for all processes together.
const CONNECTIONS: u32 = 8;

/// How long a database that did not let the pool in may take to say why.
const REASON: Duration = Duration::from_secs(5);

impl Connections {
    /// Connects, and makes a SQLite file that is not there if one is to `begin`.
    pub(crate) async fn open(root: &Path, database: &Database, begin: bool) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let (kind, url) = match database {
            Database::Postgres(url) => (Kind::Postgres, url.clone()),
            Database::Embedded => {
                if begin {
                    std::fs::create_dir_all(root).map_err(StoreError::io(root))?;
                }
                let file = std::path::absolute(root.join(DATABASE)).map_err(StoreError::io(root))?;
                let mut url = Url::from_file_path(&file)
                    .map_err(|()| StoreError::DatabaseUrl(format!("the path {}", file.display())))?;
                url.set_query(Some(if begin { "mode=rwc" } else { "mode=rw" }));
                let text = url.as_str().replacen("file:", "sqlite:", 1);
                let url = Url::parse(&text).map_err(|error| StoreError::DatabaseUrl(error.to_string()))?;
                (Kind::Sqlite, url)
            }
        };
        let options: AnyConnectOptions = url.as_str().parse()?;
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(match kind {
                // Whoever is asked should say soon that the database does not answer.
                Kind::Postgres => Duration::from_secs(5),
                // A writer that waits for another one keeps its connection for as long as that.
                Kind::Sqlite => Duration::from_secs(30),
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if kind == Kind::Sqlite {
                        sqlx::raw_sql(PRAGMAS).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options.clone())
            .await;
        let pool = match (pool, kind) {
            // The pool tries again until its time is over, and keeps to itself why: whoever asks alone is told.
            (Err(sqlx::Error::PoolTimedOut), Kind::Postgres) => {
                let why = tokio::time::timeout(REASON, options.connect()).await;
                return Err(why.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut).into());
            }
            (pool, _) => pool?,
        };
        Ok(Self { pool, options, kind, waiting: Waiting::default() })
    }

    /// Whether the tables of a store are there, of whatever version.
    pub(crate) async fn has_tables(&self) -> Result<bool, StoreError> {
        let sql = match self.kind {
            Kind::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Kind::Postgres => "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL",
        };
        Ok(sqlx::query(sql).fetch_optional(&self.pool).await?.is_some())
    }

    /// Brings the tables up to date.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        match self.kind {
            Kind::Sqlite => sqlx::migrate!("migrations/sqlite").run(&self.pool).await?,
            Kind::Postgres => sqlx::migrate!("migrations/postgres").run(&self.pool).await?,
        }
        Ok(())
    }

    /// A transaction that will write. SQLite is told so at its beginning: one that reads first and writes later fails at
    /// once, without waiting, when another has written in between.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.kind {
            Kind::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.pool.begin().await?,
        })
    }

    /// A transaction that reads everything as it is at one moment.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.kind {
            Kind::Sqlite => self.pool.begin().await?,
            Kind::Postgres => self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        })
    }

    /// A connection of its own, outside the pool: what it holds ends with it.
    pub(crate) async fn separate(&self) -> Result<AnyConnection, StoreError> {
        Ok(self.options.connect().await?)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

/// A row, whichever driver read it.
pub(crate) trait Cells {
    fn text(&self, index: usize) -> Result<String, StoreError>;
    fn number(&self, index: usize) -> Result<i64, StoreError>;
    fn number_or_null(&self, index: usize) -> Result<Option<i64>, StoreError>;
}

macro_rules! cells {
    ($row:ty, $get:ident) => {
        impl Cells for $row {
            fn text(&self, index: usize) -> Result<String, StoreError> {
                Ok(self.$get(index)?)
            }

            fn number(&self, index: usize) -> Result<i64, StoreError> {
                Ok(self.$get(index)?)
            }

            fn number_or_null(&self, index: usize) -> Result<Option<i64>, StoreError> {
                Ok(self.$get(index)?)
            }
        }
    };
}

cells!(AnyRow, try_get);
cells!(PgRow, try_get);
cells!(rusqlite::Row<'_>, get);

/// `($1, $2), ($3, $4)`: numbered placeholders for `rows` rows of `width` values, the first of them `$first`.
pub(crate) fn placeholders(first: usize, rows: usize, width: usize) -> String {
    let mut text = String::with_capacity(rows * width * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            let separator = if column == 0 { "" } else { ", " };
            text.push_str(&format!("{separator}${}", first + row * width + column));
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_is_not_there_is_said_not_to_be_there() {
        // Bound, and nobody listens: a connection is refused at once.
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        drop(bound);
        let folder = tempfile::tempdir().unwrap();
        let database: Database = format!("postgres://ada:hunter2@{address}/sigma").parse().unwrap();
        let error = Connections::open(folder.path(), &database, true).await.err().unwrap().to_string();
        assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
    }
}
