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
mod value;

use std::path::Path;

use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, Row, Transaction};

pub use backend::{Backend, Place};
use value::{array, int, narrow, number, truth};

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
    pool: AnyPool,
    backend: Backend,
}

impl Store {
    /// Opens a database, with at most so many `connections`; an empty one gets the
    /// schema.
    pub async fn open(place: &Place, connections: u32) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let backend = place.backend();
        let options = AnyPoolOptions::new().max_connections(connections).after_connect(
            move |connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(backend.settings()).execute(&mut *connection).await?;
                    Ok(())
                })
            },
        );
        let pool = options.connect(&place.url()).await?;
        migrate::run(&mut *pool.acquire().await?, backend, migrate::ALL).await?;
        Ok(Self { pool, backend })
    }

    /// Begins a change; it takes effect by its `commit` or not at all. Another one waits
    /// until then.
    pub async fn change(&self) -> Result<Change<'static>, StoreError> {
        let mut change = self.pool.begin_with(self.backend.begin_change()).await?;
        if let Some(lock) = self.backend.lock() {
            sqlx::query(lock).fetch_all(&mut *change).await?;
        }
        Ok(change)
    }

    /// Begins to read: all answers are of one moment.
    pub async fn reading(&self) -> Result<Change<'static>, StoreError> {
        Ok(self.pool.begin_with(self.backend.begin_reading()).await?)
    }

    /// Writes a copy of an SQLite database, as it is at one moment, over an empty file.
    pub async fn copy(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_str().ok_or(StoreError::Damaged("a path is no text"))?;
        // What was deleted is not in it, and who writes meanwhile does not wait.
        sqlx::query("VACUUM INTO $1").bind(to.to_owned()).execute(&self.pool).await?;
        Ok(())
    }

    /// Sees that the database's own structures are whole, where it does not see to that itself.
    pub async fn check(&self, change: &mut Change<'_>) -> Result<(), StoreError> {
        for question in self.backend.check() {
            let rows = sqlx::query(*question).fetch_all(&mut **change).await?;
            let is_good = |row: &AnyRow| matches!(row.try_get::<String, _>(0).as_deref(), Ok("ok"));
            if !rows.iter().all(is_good) {
                return Err(StoreError::Damaged("SQLite finds faults in it"));
            }
        }
        Ok(())
    }

    /// Takes an SQLite database out of its journal, so that it is one file.
    ///
    /// Errors: [`StoreError::Sql`] also where anybody else has it open.
    pub async fn alone(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA journal_mode = DELETE").fetch_all(&self.pool).await?;
        Ok(())
    }

    /// Which one it is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Closes it; SQLite puts all into the one file then.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
