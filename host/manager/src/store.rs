//! The database: SQL and nothing else. What is to be decided is the domain's.
//!
//! Reading and deciding and writing of one change is one [`Change`]: a transaction
//! that has the database's one write lock from its beginning. So no two changes pass
//! each other unseen, in any number of processes, and the rules stay simple.

pub mod access;
pub mod authority;
pub mod backend;
pub mod device;
pub mod generation;
pub mod group;
pub mod manager;
pub mod member;
pub mod migrate;
pub mod operator;
pub mod package;
mod sql;
mod value;

use std::path::Path;

pub use backend::{Backend, Place};
pub use sql::{Change, DatabaseError};
use sql::{Database, Row, query};
use value::{array, int, narrow, number, truth};

/// The database does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It refused, or cannot be read.
    #[error("the database: {0}")]
    Sql(#[from] DatabaseError),
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

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error.into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error.into())
    }
}

/// A database that has the present schema.
pub struct Store {
    database: Database,
    backend: Backend,
}

impl Store {
    /// Opens a database, with at most so many `connections`; an empty one gets the
    /// schema.
    pub async fn open(place: &Place, connections: u32) -> Result<Self, StoreError> {
        let database = Database::open(place, connections).await?;
        let store = Self { database, backend: place.backend() };
        migrate::run(&store, migrate::ALL).await?;
        Ok(store)
    }

    /// Begins a change; it takes effect by its `commit` or not at all. Another one waits
    /// until then.
    pub async fn change(&self) -> Result<Change, StoreError> {
        let mut change = self.database.begin(self.backend.begin_change()).await?;
        if let Some(lock) = self.backend.lock() {
            query(lock).fetch_all(&mut change).await?;
        }
        Ok(change)
    }

    /// Begins to read: all answers are of one moment.
    pub async fn reading(&self) -> Result<Change, StoreError> {
        self.database.begin(self.backend.begin_reading()).await
    }

    /// Takes what was deleted out of SQLite's journal too; whether it did: it does not wait for
    /// those who read.
    pub fn tidy(&self) -> Result<bool, StoreError> {
        if self.backend == Backend::Postgres {
            return Ok(true);
        }
        let session = self.database.sqlite()?;
        session.script("PRAGMA busy_timeout = 0")?;
        let told = session.fetch("PRAGMA wal_checkpoint(TRUNCATE)", &[]);
        // As in its settings.
        session.script("PRAGMA busy_timeout = 10000")?;
        let told = told?.into_iter().next().ok_or(StoreError::Damaged("a row is missing"))?;
        Ok(!truth(&told, "busy")?)
    }

    /// Writes a copy of an SQLite database, as it is at one moment, over an empty file.
    pub fn copy(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_str().ok_or(StoreError::Damaged("a path is no text"))?;
        // What was deleted is not in it, and who writes meanwhile does not wait.
        self.database.sqlite()?.execute("VACUUM INTO $1", &[to.to_owned().into()])?;
        Ok(())
    }

    /// Sees that the database's own structures are whole, where it does not see to that itself.
    pub async fn check(&self, change: &mut Change) -> Result<(), StoreError> {
        for question in self.backend.check() {
            let rows = query(*question).fetch_all(change).await?;
            let is_good = |row: &Row| row.first_text().as_deref() == Some("ok");
            if !rows.iter().all(is_good) {
                return Err(StoreError::Damaged("SQLite finds faults in it"));
            }
        }
        Ok(())
    }

    /// Takes an SQLite database out of its journal, so that it is one file.
    ///
    /// Errors: [`StoreError::Sql`] also where anybody else has it open.
    pub fn alone(&self) -> Result<(), StoreError> {
        Ok(self.database.sqlite()?.script("PRAGMA journal_mode = DELETE")?)
    }

    /// Which one it is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Closes it; SQLite puts all into the one file then.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
