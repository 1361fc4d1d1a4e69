//! SQLite in this process. A call is done when it returns: it takes microseconds, but for the
//! flush of a commit and the wait for another process's lock. A thread of its own for each
//! connection would cost two switches a statement, more than the statement.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement, ToSql};

use super::{Row, Value};

/// Statements that are kept ready for each connection: more than there are.
const STATEMENTS: usize = 256;

/// Connections to one file.
pub(in crate::store) struct Pool {
    path: PathBuf,
    settings: &'static str,
    idle: Arc<Idle>,
}

/// Those that nobody uses, and how many are kept.
struct Idle {
    connections: Mutex<Vec<Kept>>,
    most: usize,
}

impl Idle {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Kept>) -> T) -> T {
        act(&mut self.connections.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pool {
    pub(super) fn new(path: &Path, settings: &'static str, most: u32) -> Self {
        let idle = Idle { connections: Mutex::default(), most: most as usize };
        Self { path: path.to_owned(), settings, idle: Arc::new(idle) }
    }

    /// One of them, or a new one; the file is there.
    pub(super) fn session(&self) -> rusqlite::Result<Session> {
        let kept = self.idle.with(Vec::pop);
        let kept = match kept {
            Some(kept) => kept,
            None => Kept { connection: self.connect()?, shapes: RefCell::default() },
        };
        Ok(Session { kept: Some(kept), idle: Arc::clone(&self.idle) })
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch(self.settings)?;
        Ok(connection)
    }

    pub(super) fn close(&self) {
        self.idle.with(Vec::clear);
    }
}

/// A connection, and what is known of its statements.
struct Kept {
    connection: Connection,
    shapes: RefCell<HashMap<String, Arc<Shape>>>,
}

/// What a statement says of itself each time.
struct Shape {
    columns: Arc<[String]>,
    /// Which value each of its places has: SQLite counts places as it meets them, and knows $2
    /// by that name.
    places: Vec<Option<usize>>,
}

impl Kept {
    fn shape(&self, sql: &str, statement: &Statement<'_>) -> Arc<Shape> {
        let mut shapes = self.shapes.borrow_mut();
        if let Some(shape) = shapes.get(sql) {
            return Arc::clone(shape);
        }
        let place = |at| statement.parameter_name(at)?.strip_prefix('$')?.parse().ok();
        let shape = Arc::new(Shape {
            columns: statement.column_names().into_iter().map(str::to_owned).collect(),
            places: (1..=statement.parameter_count()).map(place).collect(),
        });
        // Some texts are made of how many values there are.
        if shapes.len() >= STATEMENTS {
            shapes.clear();
        }
        shapes.insert(sql.to_owned(), Arc::clone(&shape));
        shape
    }
}

/// A connection, to one who uses it.
pub(in crate::store) struct Session {
    /// Until it is given back.
    kept: Option<Kept>,
    idle: Arc<Idle>,
}

impl Session {
    fn kept(&self) -> rusqlite::Result<&Kept> {
        self.kept.as_ref().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// Statements without values.
    pub(in crate::store) fn script(&self, sql: &str) -> rusqlite::Result<()> {
        self.kept()?.connection.execute_batch(sql)
    }

    /// One statement; how many rows it has changed.
    pub(in crate::store) fn execute(&self, sql: &str, values: &[Value]) -> rusqlite::Result<u64> {
        Ok(self.prepare(sql, values)?.0.raw_execute()? as u64)
    }

    /// One statement's answer.
    pub(in crate::store) fn fetch(
        &self,
        sql: &str,
        values: &[Value],
    ) -> rusqlite::Result<Vec<Row>> {
        let (mut statement, shape) = self.prepare(sql, values)?;
        let (mut rows, mut answer) = (Vec::new(), statement.raw_query());
        while let Some(row) = answer.next()? {
            let mut values = Vec::with_capacity(shape.columns.len());
            for at in 0..shape.columns.len() {
                values.push(value(row.get_ref(at)?)?);
            }
            rows.push(Row::new(Arc::clone(&shape.columns), values));
        }
        Ok(rows)
    }

    fn prepare(
        &self,
        sql: &str,
        values: &[Value],
    ) -> rusqlite::Result<(CachedStatement<'_>, Arc<Shape>)> {
        let kept = self.kept()?;
        let mut statement = kept.connection.prepare_cached(sql)?;
        let shape = kept.shape(sql, &statement);
        for (at, number) in (1..).zip(&shape.places) {
            let value = number.and_then(|number| values.get(number.checked_sub(1)?));
            let value = value.ok_or(rusqlite::Error::InvalidParameterCount(at, values.len()))?;
            statement.raw_bind_parameter(at, value)?;
        }
        Ok((statement, shape))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(kept) = self.kept.take() else { return };
        // What was neither committed nor rolled back is rolled back.
        let connection = &kept.connection;
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            return;
        }
        self.idle.with(|idle| {
            if idle.len() < self.idle.most {
                idle.push(kept);
            }
        });
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Octets(Some(octets)) => ValueRef::Blob(octets),
            _ => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

fn value(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Int(None),
        ValueRef::Integer(number) => Value::Int(Some(number)),
        ValueRef::Text(_) => Value::Text(Some(value.as_str()?.to_owned())),
        ValueRef::Blob(octets) => Value::Octets(Some(octets.to_vec())),
        ValueRef::Real(_) => return Err(rusqlite::types::FromSqlError::InvalidType.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    /// What is answered is on the disk, and nothing is left of what was deleted. The library is
    /// built as .cargo/config.toml says: that it flushes by `fdatasync` it does not tell.
    #[test]
    fn each_connection_is_set_and_the_library_built_as_it_should_be() {
        let file = std::env::temp_dir().join(format!("prose-sqlite-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        let pool = Pool::new(&file, Backend::Sqlite.settings(), 1);
        let session = pool.session().unwrap();
        for (pragma, column, expected) in [
            ("synchronous", "synchronous", "2"),
            ("foreign_keys", "foreign_keys", "1"),
            ("secure_delete", "secure_delete", "1"),
            ("wal_autocheckpoint", "wal_autocheckpoint", "8000"),
            ("busy_timeout", "timeout", "10000"),
        ] {
            let told = session.fetch(&format!("PRAGMA {pragma}"), &[]).unwrap();
            let told: i64 = told[0].try_get(column).unwrap();
            assert_eq!(told.to_string(), expected, "{pragma}");
        }
        let options = session.fetch("PRAGMA compile_options", &[]).unwrap();
        let options: Vec<_> = options.iter().filter_map(Row::first_text).collect();
        let has = |name: &str| options.iter().any(|option| option == name);
        assert!(has("DEFAULT_MEMSTATUS=0") && !has("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
        drop(session);
        pool.close();
        std::fs::remove_file(file).unwrap();
    }
}
