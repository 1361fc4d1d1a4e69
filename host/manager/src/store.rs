//! The database: SQL and nothing else. What is to be decided is the domain's.
//!
//! Reading and deciding and writing of one change is one [`Change`]: a transaction
//! that has the write lock from its beginning.

pub mod device;
pub mod group;
pub mod manager;
pub mod migrate;
pub mod package;

use std::path::Path;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Connection, Row, Transaction};

/// One transaction that writes.
pub type Change<'c> = Transaction<'c, Any>;

/// The database does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It refused, or cannot be read.
    #[error("the database: {0}")]
    Sql(#[from] sqlx::Error),
    /// A later version of this program wrote it.
    #[error("the database has schema {found}, and this program knows {known} at most")]
    TooNew {
        /// Its schema.
        found: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// A value is not what this program writes.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

/// A database that has the present schema.
pub struct Store {
    connection: AnyConnection,
}

impl Store {
    /// Opens a file; an empty one becomes a database.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=rw", percent_encoded(path));
        let mut connection = AnyConnection::connect(&url).await?;
        for pragma in [
            "PRAGMA busy_timeout = 10000",
            "PRAGMA foreign_keys = ON",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            // What is overwritten or deleted is not left in the file.
            "PRAGMA secure_delete = ON",
        ] {
            sqlx::query(pragma).execute(&mut connection).await?;
        }
        migrate::run(&mut connection, migrate::ALL).await?;
        Ok(Self { connection })
    }

    /// Begins a change; it takes effect by its `commit` or not at all.
    pub async fn change(&mut self) -> Result<Change<'_>, StoreError> {
        Ok(self.connection.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Begins to read: all answers are of one moment.
    pub async fn reading(&mut self) -> Result<Change<'_>, StoreError> {
        Ok(self.connection.begin().await?)
    }

    /// Puts all into the one file and closes it.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }
}

/// A path in a URL (RFC 3986 section 2.1).
fn percent_encoded(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/-._~".contains(&octet);
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut text, &octet| {
        if plain(octet) {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
        text
    })
}

/// SQL knows signed numbers only.
fn int(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Damaged("a number is beyond 2^63"))
}

fn number(row: &AnyRow, column: &'static str) -> Result<u64, StoreError> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| StoreError::Damaged(column))
}

fn narrow<T: TryFrom<u64>>(row: &AnyRow, column: &'static str) -> Result<T, StoreError> {
    T::try_from(number(row, column)?).map_err(|_| StoreError::Damaged(column))
}

fn truth(row: &AnyRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(number(row, column)? != 0)
}

fn array<const N: usize>(row: &AnyRow, column: &'static str) -> Result<[u8; N], StoreError> {
    let octets: Vec<u8> = row.try_get(column)?;
    octets.try_into().map_err(|_| StoreError::Damaged(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_also_with_marks_that_a_url_has() {
        assert_eq!(percent_encoded(Path::new("/a b/c?d#e%")), "/a%20b/c%3Fd%23e%25");
    }
}
