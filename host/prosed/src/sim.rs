//! A trusted application in this process, for tests and development: its content comes
//! from a file in clear, and what it stores stands beside that, so that a daemon that is
//! started again goes on where it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use proseal_client::sim::Machine;
use proseal_client::{Client, Fault, Opener, Transport};
use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Scope};
use proseal_ta::sim::Medium;

use crate::daemon::run::say;

/// A client of it.
pub(crate) fn client(content: &Path) -> Client {
    let store = PathBuf::from(format!("{}.store", content.display()));
    let medium = Medium { object: fs::read(&store).ok(), ..Medium::default() };
    let medium = Arc::new(Mutex::new(medium));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = now.as_nanos() as u64 ^ u64::from(std::process::id()) << 32;
    let machine = Machine::start_test_build(Arc::clone(&medium), seed);
    let mut client = Client::new(Stored { machine, medium, store });
    match fs::read(content) {
        Ok(octets) => {
            let install = Install { scope: Scope::Whole, content: &octets };
            if let Err(error) = client.call(&install) {
                say(&format!("{}: {error}", content.display()));
            }
        }
        Err(error) => say(&format!("{}: {error}", content.display())),
    }
    client
}

/// A machine whose store is a file.
struct Stored {
    machine: Machine,
    medium: Arc<Mutex<Medium>>,
    store: PathBuf,
}

impl Opener for Stored {
    fn may(&self, role: Role) -> bool {
        self.machine.may(role)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        let (medium, store) = (Arc::clone(&self.medium), self.store.clone());
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
