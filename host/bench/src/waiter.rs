//! Another client of the TA: a thread with a session of its own, that derives
//! at a given moment.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use proseal_client::tee::Tee;
use proseal_client::{Application, Client};
use proseal_proto::message::Receive;
use proseal_proto::test_command::UUID;

use crate::{Result, content, nanoseconds};

/// A derive, and when it was asked for.
pub(crate) struct Derived {
    pub(crate) began: Instant,
    pub(crate) taken: u64,
}

/// The thread. It ends when this is dropped.
pub(crate) struct Waiter {
    delays: Sender<Duration>,
    derived: Receiver<std::result::Result<Derived, String>>,
}

impl Waiter {
    /// Starts it; its first derive opens the session.
    pub(crate) fn start() -> Self {
        let (delays, delays_out) = channel();
        let (derived_in, derived) = channel();
        thread::spawn(move || {
            // A client stays in the thread that made it.
            let mut client = Client::new(Tee::new(Application::new(UUID)));
            while let Ok(delay) = delays_out.recv() {
                thread::sleep(delay);
                if derived_in.send(derive(&mut client)).is_err() {
                    return;
                }
            }
        });
        Self { delays, derived }
    }

    /// Has it derive so long after now.
    pub(crate) fn derive_after(&self, delay: Duration) -> Result<()> {
        Ok(self.delays.send(delay)?)
    }

    /// Waits for what [`Self::derive_after`] has begun.
    pub(crate) fn derived(&self) -> Result<Derived> {
        Ok(self.derived.recv()??)
    }
}

fn derive(client: &mut Client) -> std::result::Result<Derived, String> {
    let request = Receive { items: vec![content::epoch(1)] };
    let began = Instant::now();
    let reply = client.call(&request).map_err(|error| error.to_string())?;
    let taken = nanoseconds(began);
    match reply.items.as_slice() {
        [Ok(_)] => Ok(Derived { began, taken }),
        _ => Err("receive did not derive".to_owned()),
    }
}
