//! The database under a test's manager: SQLite in its folder, or a schema of its own in
//! the PostgreSQL of this run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which of the two a test binary is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(dead_code, reason = "each binary is about one")]
pub(crate) enum Kind {
    Sqlite,
    Postgresql,
}

/// One test's database.
pub(crate) enum Database {
    Sqlite,
    Postgresql { schema: String },
}

/// The server of this run; it ends when this process has ended, whose pipe it reads.
struct Server {
    folder: String,
    _child: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgresql");
        let mut command = Command::new(script);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(script);
        let mut folder = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut folder).unwrap();
        assert!(!folder.is_empty(), "PostgreSQL did not start");
        Server { folder: folder.trim().to_owned(), _child: child }
    })
}

/// PostgreSQL's own program, of the same version as the server.
fn tool(name: &str) -> Command {
    let mut bins: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .expect("qemu-env/host-tools installs PostgreSQL")
        .map(|entry| entry.unwrap().path())
        .collect();
    let version = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().parse::<u32>().ok();
    bins.sort_by_key(version);
    let mut command = Command::new(bins.last().unwrap().join("bin").join(name));
    command.args(["-h", &server().folder, "-U", "prose", "-d", "postgres"]);
    command
}

fn sql(text: &str) {
    let mut command = tool("psql");
    let done = command.args(["-q", "-v", "ON_ERROR_STOP=1", "-c", text]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

impl Database {
    pub(crate) fn new(kind: Kind) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        match kind {
            Kind::Sqlite => Self::Sqlite,
            Kind::Postgresql => {
                let schema = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
                sql(&format!("CREATE SCHEMA {schema}"));
                Self::Postgresql { schema }
            }
        }
    }

    /// What `--database` says.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgresql { schema } => Some(format!(
                "postgres://prose@localhost/postgres?host={}&options=-csearch_path%3D{schema}",
                server().folder
            )),
        }
    }

    /// All that it has, as it would be copied to a backup; secrets of octets are found in
    /// it as octets or hexadecimal.
    pub(crate) fn octets(&self, home: &Path) -> Vec<u8> {
        match self {
            Self::Sqlite => {
                let mut octets = fs::read(home.join("manager.db")).unwrap();
                // What a server that runs has written last.
                octets.extend(fs::read(home.join("manager.db-wal")).unwrap_or_default());
                octets
            }
            Self::Postgresql { schema } => {
                let dump = tool("pg_dump").args(["-n", schema]).output().unwrap();
                assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
                dump.stdout
            }
        }
    }

    /// Puts a backup back (docs/manager.md, Backup).
    pub(crate) fn put_back(&self, home: &Path, octets: &[u8]) {
        match self {
            Self::Sqlite => fs::write(home.join("manager.db"), octets).unwrap(),
            Self::Postgresql { schema } => {
                let dump = home.with_file_name("dump.sql");
                fs::write(&dump, octets).unwrap();
                sql(&format!("DROP SCHEMA {schema} CASCADE"));
                let mut command = tool("psql");
                command.args(["-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(&dump);
                let done = command.output().unwrap();
                assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            }
        }
    }
}
