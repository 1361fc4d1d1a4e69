//! SQLite and PostgreSQL: the few words that they have otherwise. All other SQL is one
//! text for both.

use std::path::PathBuf;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite, which is there.
    File(PathBuf),
    /// A URL of PostgreSQL, which may have a password in it.
    Url(String),
}

impl Place {
    /// From what a user writes.
    ///
    /// Errors: a text, for what is no URL of PostgreSQL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if is_url && text.parse::<sqlx::postgres::PgConnectOptions>().is_ok() {
            Ok(Self::Url(text.to_owned()))
        } else {
            // It is not repeated: there may be a password in it.
            Err("expected a URL such as postgres://user@host/database".to_owned())
        }
    }

    pub(super) const fn backend(&self) -> Backend {
        match self {
            Self::File(_) => Backend::Sqlite,
            Self::Url(_) => Backend::Postgres,
        }
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// In the folder.
    Sqlite,
    /// A server, for any number of processes.
    Postgres,
}

impl Backend {
    /// As users have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// For each connection.
    pub(super) const fn settings(self) -> &'static str {
        match self {
            // What is overwritten or deleted is not left in the file, once the journal is in it:
            // by itself after 32 MiB, and after a key was erased (`Store::tidy`). What undoes to
            // a mark is in memory, or it would be a file for each request; 16 MiB of pages are
            // kept.
            Self::Sqlite => {
                "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
                 PRAGMA wal_autocheckpoint = 8000"
            }
            // A process that stands still does not keep the lock from the others, and what
            // is answered is on the disk. What is asked for is found by an index: a plan that
            // was made while a table was empty stays, and would read all of it later. Nothing is
            // worth a compiler.
            Self::Postgres => {
                "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s';
                 SET synchronous_commit = on; SET client_min_messages = warning;
                 SET enable_seqscan = off; SET jit = off"
            }
        }
    }

    pub(super) const fn begin_change(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            // Each statement sees what was committed before the lock was had.
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        }
    }

    pub(super) const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Questions whose only good answer is `ok`, or none.
    pub(super) const fn check(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["PRAGMA integrity_check", "PRAGMA foreign_key_check"],
            Self::Postgres => &[],
        }
    }

    /// What takes the write lock, where beginning does not: the manager's one row.
    pub(super) const fn lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT id FROM manager FOR UPDATE"),
        }
    }

    /// The same before there is a table.
    pub(super) const fn lock_schema(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(7302846115)"),
        }
    }

    /// A step of the schema in its words.
    pub(super) fn schema(self, sql: &str) -> String {
        match self {
            Self::Sqlite => sql.to_owned(),
            Self::Postgres => sql.replace("BLOB", "BYTEA").replace(" WITHOUT ROWID", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_url_of_postgresql_and_a_wrong_one_is_not_repeated() {
        for good in ["postgres://a@b/c", "postgresql:///c?host=/run/postgresql"] {
            assert_eq!(Place::parse(good), Ok(Place::Url(good.to_owned())));
        }
        for wrong in ["mysql://a:secret@b/c", "secret", "sqlite://secret", "postgres://a:secret@[b"]
        {
            let said = Place::parse(wrong).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
