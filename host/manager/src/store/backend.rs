//! SQLite and PostgreSQL: the few words that they have otherwise. All other SQL is one
//! text for both.

use std::path::{Path, PathBuf};

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
        if is_url && text.parse::<sqlx::any::AnyConnectOptions>().is_ok() {
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

    pub(super) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite://{}?mode=rw", percent_encoded(path)),
            Self::Url(url) => url.clone(),
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
            // What is overwritten or deleted is not left in the file.
            Self::Sqlite => {
                "PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL; PRAGMA secure_delete = ON"
            }
            // A process that stands still does not keep the lock from the others, and what
            // is answered is on the disk.
            Self::Postgres => {
                "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s';
                 SET synchronous_commit = on; SET client_min_messages = warning"
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
            Self::Postgres => sql.replace("BLOB", "BYTEA"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_also_with_marks_that_a_url_has() {
        assert_eq!(percent_encoded(Path::new("/a b/c?d#e%")), "/a%20b/c%3Fd%23e%25");
    }

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
