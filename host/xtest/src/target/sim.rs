//! The TA's logic in this process. There is no TEE around it: what only a
//! TEE can answer is `None`.

use std::time::Duration;

use proseal_client::sim::Machine;
use proseal_client::{Client, Fault, Opener, Transport};
use proseal_proto::buffer::Buffer;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::role::Role;

use super::{Build, Only};
use crate::fixture;

/// A machine in memory for each build, as each has storage of its own.
#[derive(Clone)]
pub(crate) struct Target {
    test: Machine,
    product: Machine,
    build: Build,
}

impl Target {
    /// Machines that have stored nothing. It begins with the test build.
    pub(crate) fn new() -> Self {
        Self {
            test: Machine::start_test_build(Default::default(), 1),
            product: Machine::start(Default::default(), 2),
            build: Build::default(),
        }
    }

    /// The same for another build.
    pub(crate) fn of(&self, build: Build) -> Self {
        Self { build, ..self.clone() }
    }

    const fn machine(&self) -> &Machine {
        match self.build {
            Build::Test => &self.test,
            Build::Product => &self.product,
        }
    }

    /// A client with a session of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.machine().clone())
    }

    /// A client that has one role only.
    pub(crate) fn client_as(&self, role: Role) -> Client {
        Client::new(Only { opener: self.machine().clone(), role })
    }

    /// A session of this role, for octets.
    pub(crate) fn session(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        self.machine().open(role)
    }

    /// The TA ends, and starts anew with the next call.
    pub(crate) fn restart(&self) {
        self.machine().restart();
    }

    /// Powered time passes.
    pub(crate) fn pass(&self, time: Duration) {
        self.machine().pass(time);
    }

    /// Octets as they are to the TA, and its octets back.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, String> {
        let session = self.session(fixture::caller(number));
        let mut response = Buffer::new();
        response.make_room(RESPONSE_MAX);
        let called =
            session.and_then(|mut ta| ta.call(number, request, RESPONSE_MAX, &mut response));
        called.map(|()| response.to_vec()).map_err(|fault| fault.to_string())
    }
}
