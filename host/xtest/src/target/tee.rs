//! The real TEE.

use std::time::Duration;

use proseal_client::Client;
use proseal_client::tee::Tee;
use proseal_client::timed::Timed;
use proseal_proto::test_command::UUID;

use crate::line::Line;

/// What any one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// The test build of the TA.
#[derive(Clone)]
pub(crate) struct Target;

impl Target {
    /// It is opened with the first call.
    pub(crate) const fn new() -> Self {
        Self
    }

    /// A client with a session of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(Timed::new(Tee::new(UUID), CALL_LIMIT))
    }

    /// Octets as they are to the TA, and its octets back.
    ///
    /// Errors: why they did not reach the dispatcher.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, String> {
        let answer = Line::open().and_then(|line| line.call(number, request));
        answer.map_err(|refusal| format!("{refusal:x?}"))
    }
}
