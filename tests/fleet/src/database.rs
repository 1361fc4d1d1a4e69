//! The database under a manager: a file in its folder, or a PostgreSQL of this run.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::str::FromStr;

use crate::failure::Failure;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgresql,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgresql => "postgresql",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Sqlite, Self::Postgresql];
        all.into_iter().find(|kind| kind.name() == name).ok_or("sqlite or postgresql".to_owned())
    }
}

/// A database; with it ends what runs for it.
pub(crate) enum Database {
    Sqlite,
    Postgresql { folder: String, server: Child, alive: Option<ChildStdin> },
}

impl Database {
    /// What is answered is on the disk, in both.
    pub(crate) fn start(kind: Kind) -> Result<Self, Failure> {
        if kind == Kind::Sqlite {
            return Ok(Self::Sqlite);
        }
        let script =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../host/manager/tests/support/postgresql");
        let mut command = Command::new(script);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.arg("fsync=on").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn()?;
        let piped = || Failure::Wrong("PostgreSQL has no pipes".to_owned());
        let alive = server.stdin.take().ok_or_else(piped)?;
        let mut folder = String::new();
        BufReader::new(server.stdout.take().ok_or_else(piped)?).read_line(&mut folder)?;
        if folder.is_empty() {
            return Err(Failure::Wrong("PostgreSQL did not start".to_owned()));
        }
        Ok(Self::Postgresql { folder: folder.trim().to_owned(), server, alive: Some(alive) })
    }

    /// What `--database` says.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgresql { folder, .. } => {
                Some(format!("postgres://prose@localhost/postgres?host={folder}"))
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its script ends with its input; this waits until the folder is gone.
        if let Self::Postgresql { server, alive, .. } = self {
            drop(alive.take());
            let _ = server.wait();
        }
    }
}
