//! A trusted application in this process, for tests and development, and what it stores
//! in files, so that a daemon that is started again goes on where it was. Nothing is
//! sealed: its keys lie in those files in clear.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use proseal_client::sim::Machine;
use proseal_client::{Client, Fault, Opener, Transport};
use proseal_proto::buffer::Buffer;
use proseal_proto::message::Enrol;
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Scope};
use proseal_ta::sim::Medium;

use crate::daemon::run::say;

/// Where what it holds comes from.
#[derive(Clone)]
pub(crate) enum Sim {
    /// A content (docs/commands.md) in clear.
    Content(PathBuf),
    /// Packages of a manager: his root key (32 octets) and id (16). Once the device is enrolled
    /// its statement stands beside.
    Enrolled(PathBuf),
}

impl Sim {
    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        let (Self::Content(path) | Self::Enrolled(path)) = self;
        let store = beside(path, "store");
        let keys = fs::read(beside(path, "keys")).unwrap_or_default();
        let (keys, _) = keys.as_chunks::<32>();
        let keys = [keys.first().copied(), keys.get(1).copied()];
        let medium = Medium { object: fs::read(&store).ok(), keys, ..Medium::default() };
        let medium = Arc::new(Mutex::new(medium));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seed = now.as_nanos() as u64 ^ u64::from(std::process::id()) << 32;
        let machine = Machine::start_test_build(Arc::clone(&medium), seed);
        let is_fresh = !store.exists();
        let mut client =
            Client::new(Stored { machine, medium: Arc::clone(&medium), path: path.clone() });
        let done = match self {
            Self::Content(path) => install(&mut client, path),
            Self::Enrolled(path) if is_fresh => enrol(&mut client, path, &medium),
            Self::Enrolled(_) => Ok(()),
        };
        if let Err(error) = done {
            say(&format!("{}: {error}", path.display()));
        }
        client
    }
}

fn beside(path: &Path, what: &str) -> PathBuf {
    PathBuf::from(format!("{}.{what}", path.display()))
}

fn install(client: &mut Client, path: &Path) -> io::Result<()> {
    let content = fs::read(path)?;
    let install = Install { scope: Scope::Whole, content: &content };
    client.call(&install).map(drop).map_err(io::Error::other)
}

fn enrol(client: &mut Client, path: &Path, medium: &Mutex<Medium>) -> io::Result<()> {
    let octets = fs::read(path)?;
    let manager = octets.split_first_chunk::<32>().and_then(|(root_key, id)| {
        Some(Enrol { root_key: *root_key, manager: *id.first_chunk::<16>()? })
    });
    let manager = manager.ok_or(io::ErrorKind::InvalidData)?;
    let reply = client.call(&manager).map_err(io::Error::other)?;
    let keys = medium.lock().unwrap_or_else(PoisonError::into_inner).keys;
    fs::write(beside(path, "keys"), keys.into_iter().flatten().collect::<Vec<_>>().concat())?;
    fs::write(beside(path, "statement"), &reply.statement)
}

/// A machine whose store is a file.
struct Stored {
    machine: Machine,
    medium: Arc<Mutex<Medium>>,
    path: PathBuf,
}

impl Opener for Stored {
    fn may(&self, role: Role) -> bool {
        self.machine.may(role)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        let (medium, store) = (Arc::clone(&self.medium), beside(&self.path, "store"));
        Ok(Box::new(Session { session: self.machine.open(role)?, medium, store, writes: 0 }))
    }
}

struct Session {
    session: Box<dyn Transport>,
    medium: Arc<Mutex<Medium>>,
    store: PathBuf,
    writes: u32,
}

impl Transport for Session {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        self.session.call(number, request, response_max, response)?;
        let medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        if medium.writes != self.writes {
            self.writes = medium.writes;
            if let Some(octets) = &medium.object
                && let Err(error) = fs::write(&self.store, octets)
            {
                say(&format!("{}: {error}", self.store.display()));
            }
        }
        Ok(())
    }
}
