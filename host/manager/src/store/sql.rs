//! The one seam between SQL and the two databases: a statement with its values goes in, rows
//! come out.
//!
//! ```text
//! store/*.rs -- Query --> Change -- sqlite: in this thread, done when the call returns --> Row
//!                                -- postgresql: over its connection, awaited -----------> Row
//! ```

pub(super) mod postgresql;
pub(super) mod sqlite;

use std::cell::Cell;
use std::sync::Arc;

use sqlx::{PgPool, PgTransaction, SqlSafeStr, SqlStr};

use super::{Place, StoreError};

/// What a database says when it does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL, or the way to it.
    #[error(transparent)]
    Postgresql(#[from] sqlx::Error),
}

/// What goes in and what comes out; `None` is NULL.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Octets(Option<Vec<u8>>),
}

impl Value {
    /// SQLite does not say of which type nothing is.
    const fn is_null(&self) -> bool {
        matches!(self, Self::Int(None) | Self::Text(None) | Self::Octets(None))
    }
}

/// A type of one of the columns.
pub(super) trait Column: Sized {
    fn of(value: &Value) -> Option<Self>;
}

macro_rules! column {
    ($type:ty, $variant:ident) => {
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value)
            }
        }

        impl Column for $type {
            fn of(value: &Value) -> Option<Self> {
                Option::<Self>::of(value)?
            }
        }

        impl Column for Option<$type> {
            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(value) => Some(value.clone()),
                    other => other.is_null().then_some(None),
                }
            }
        }
    };
}

column!(i64, Int);
column!(String, Text);
column!(Vec<u8>, Octets);

impl<const N: usize> Column for [u8; N] {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Octets(Some(octets)) => octets.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

/// One row of an answer.
pub(super) struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
    /// The column after the one that was asked for last: mostly the one that is asked for next.
    next: Cell<usize>,
}

impl Row {
    const fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values, next: Cell::new(0) }
    }

    /// What a column has.
    ///
    /// Errors: [`StoreError::Damaged`], if there is none of that name and type.
    pub(super) fn try_get<T: Column>(&self, column: &'static str) -> Result<T, StoreError> {
        let len = self.columns.len();
        let mut all = (self.next.get()..len).chain(0..self.next.get());
        let at = all.find(|at| self.columns.get(*at).is_some_and(|name| name == column));
        let at = at.ok_or(StoreError::Damaged(column))?;
        self.next.set(at.saturating_add(1));
        self.values.get(at).and_then(T::of).ok_or(StoreError::Damaged(column))
    }

    /// What the first column has, if that is a text.
    pub(super) fn first_text(&self) -> Option<String> {
        self.values.first().and_then(String::of)
    }
}

/// A statement, in words that both databases have, and the values of its places $1, $2, ...
pub(super) struct Query {
    sql: SqlStr,
    values: Vec<Value>,
}

pub(super) fn query(sql: impl SqlSafeStr) -> Query {
    Query { sql: sql.into_sql_str(), values: Vec::new() }
}

impl Query {
    /// The value of the next place.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Does it; how many rows it has changed.
    pub(super) async fn execute(self, change: &mut Change) -> Result<u64, StoreError> {
        Ok(match &mut change.at {
            At::Sqlite(session) => session.execute(self.sql.as_str(), &self.values)?,
            At::Postgresql(at) => postgresql::execute(at, self.sql, self.values).await?,
        })
    }

    pub(super) async fn fetch_all(self, change: &mut Change) -> Result<Vec<Row>, StoreError> {
        match &mut change.at {
            At::Sqlite(session) => Ok(session.fetch(self.sql.as_str(), &self.values)?),
            At::Postgresql(at) => postgresql::fetch(at, self.sql, self.values).await,
        }
    }

    pub(super) async fn fetch_optional(
        self,
        change: &mut Change,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(change).await?.into_iter().next())
    }

    pub(super) async fn fetch_one(self, change: &mut Change) -> Result<Row, StoreError> {
        self.fetch_optional(change).await?.ok_or(StoreError::Damaged("a row is missing"))
    }
}

/// One transaction; it takes effect by its `commit` or not at all.
pub struct Change {
    at: At,
    is_marked: bool,
}

enum At {
    Sqlite(sqlite::Session),
    Postgresql(PgTransaction<'static>),
}

impl Change {
    /// All that was done in it takes effect, on the disk.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.at {
            At::Sqlite(session) => session.script("COMMIT")?,
            At::Postgresql(at) => at.commit().await?,
        }
        Ok(())
    }

    /// Nothing of it takes effect; the same comes of dropping it.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self.at {
            At::Sqlite(session) => session.script("ROLLBACK")?,
            At::Postgresql(at) => at.rollback().await?,
        }
        Ok(())
    }

    /// What is done from here on can be undone; what was done since the last mark can not be
    /// any more.
    pub async fn mark(&mut self) -> Result<(), StoreError> {
        let is_marked = std::mem::replace(&mut self.is_marked, true);
        match &mut self.at {
            At::Sqlite(session) => {
                if is_marked {
                    session.execute("RELEASE SAVEPOINT mark", &[])?;
                }
                session.execute("SAVEPOINT mark", &[])?;
                Ok(())
            }
            // They would pile up: each one costs what looks at a row later.
            At::Postgresql(_) if is_marked => {
                self.script("RELEASE SAVEPOINT mark; SAVEPOINT mark").await
            }
            At::Postgresql(_) => self.script("SAVEPOINT mark").await,
        }
    }

    /// Undoes all since the last mark.
    pub async fn undo(&mut self) -> Result<(), StoreError> {
        self.script("ROLLBACK TO SAVEPOINT mark").await
    }

    /// Statements without values.
    pub(crate) async fn script(&mut self, sql: impl SqlSafeStr) -> Result<(), StoreError> {
        let sql = sql.into_sql_str();
        match &mut self.at {
            At::Sqlite(session) => session.script(sql.as_str())?,
            At::Postgresql(at) => {
                sqlx::raw_sql(sql).execute(&mut **at).await?;
            }
        }
        Ok(())
    }
}

/// Connections to a database.
pub(super) enum Database {
    Sqlite(sqlite::Pool),
    Postgresql(PgPool),
}

impl Database {
    /// With at most so many connections that are kept.
    pub(super) async fn open(place: &Place, connections: u32) -> Result<Self, StoreError> {
        let settings = place.backend().settings();
        Ok(match place {
            Place::File(path) => Self::Sqlite(sqlite::Pool::new(path, settings, connections)),
            Place::Url(url) => {
                Self::Postgresql(postgresql::open(url, settings, connections).await?)
            }
        })
    }

    /// Begins a transaction by these words.
    pub(super) async fn begin(&self, sql: &'static str) -> Result<Change, StoreError> {
        let at = match self {
            Self::Sqlite(pool) => {
                let session = pool.session()?;
                session.script(sql)?;
                At::Sqlite(session)
            }
            Self::Postgresql(pool) => At::Postgresql(pool.begin_with(sql).await?),
        };
        Ok(Change { at, is_marked: false })
    }

    /// A connection to SQLite, in no transaction.
    pub(super) fn sqlite(&self) -> Result<sqlite::Session, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(pool.session()?),
            Self::Postgresql(_) => Err(StoreError::Damaged("this is for SQLite only")),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close(),
            Self::Postgresql(pool) => pool.close().await,
        }
    }
}
