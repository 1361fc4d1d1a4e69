//! The TA's logic in this process. There is no TEE around it: what only a
//! TEE can answer is `None`.

use proseal_client::sim::Machine;
use proseal_client::{Client, Opener};
use proseal_proto::limit::RESPONSE_MAX;

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

    /// Octets as they are to the TA, and its octets back.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, String> {
        let session = self.0.open(fixture::caller(number));
        let response = session.and_then(|mut ta| ta.call(number, request, RESPONSE_MAX));
        response.map(|response| response.to_vec()).map_err(|fault| fault.to_string())
    }
}
