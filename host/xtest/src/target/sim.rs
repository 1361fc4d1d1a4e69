//! The TA's logic in this process. There is no TEE around it: what only a
//! TEE can answer is `None`.

use std::time::Duration;

use proseal_client::sim::Machine;
use proseal_client::{Client, Opener};
use proseal_proto::buffer::Buffer;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::role::Role;

use super::Only;
use crate::fixture;

/// A machine in memory.
#[derive(Clone)]
pub(crate) struct Target(Machine);

impl Target {
    /// A machine that has stored nothing.
    pub(crate) fn new() -> Self {
        Self(Machine::start(Default::default(), 1))
    }

    /// A client with a session of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.0.clone())
    }

    /// A client that has one role only.
    pub(crate) fn client_as(&self, role: Role) -> Client {
        Client::new(Only { opener: self.0.clone(), role })
    }

    /// The TA ends, and starts anew with the next call.
    pub(crate) fn restart(&self) {
        self.0.restart();
    }

    /// Powered time passes.
    pub(crate) fn pass(&self, time: Duration) {
        self.0.pass(time);
    }

    /// Octets as they are to the TA, and its octets back.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, String> {
        let session = self.0.open(fixture::caller(number));
        let mut response = Buffer::new();
        response.make_room(RESPONSE_MAX);
        let called =
            session.and_then(|mut ta| ta.call(number, request, RESPONSE_MAX, &mut response));
        called.map(|()| response.to_vec()).map_err(|fault| fault.to_string())
    }
}
