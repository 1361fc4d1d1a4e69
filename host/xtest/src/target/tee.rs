//! The real TEE.

use std::time::Duration;

use proseal_client::tee::Tee;
use proseal_client::timed::Timed;
use proseal_client::{Application, Client, Fault, Opener, Transport};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Panic, UUID};

use super::{Build, Only};
use crate::line::Line;

/// What any one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// One build of the TA.
#[derive(Clone)]
pub(crate) struct Target {
    application: Application,
}

impl Target {
    /// The test build. It is opened with the first call.
    pub(crate) const fn new() -> Self {
        Self { application: Application::new(UUID) }
    }

    /// The same for another build.
    pub(crate) const fn of(&self, build: Build) -> Self {
        Self {
            application: match build {
                Build::Test => Application::new(UUID),
                Build::Product => Application::PRODUCT,
            },
        }
    }

    fn tee(&self) -> Timed<Tee> {
        Timed::new(Tee::new(self.application), CALL_LIMIT)
    }

    /// A client with a session of its own.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.tee())
    }

    /// A client that has one role only.
    pub(crate) fn client_as(&self, role: Role) -> Client {
        Client::new(Only { opener: self.tee(), role })
    }

    /// A session of this role, for octets.
    pub(crate) fn session(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        self.tee().open(role)
    }

    /// The TA ends, and starts anew with the next call. Only the test build can be told to.
    pub(crate) fn restart(&self) {
        // Nothing comes back from it.
        let _died = self.client().call(&Panic);
    }

    /// Powered time passes.
    pub(crate) fn pass(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Octets as they are to the test build, and its octets back.
    ///
    /// Errors: why they did not reach the dispatcher.
    pub(crate) fn raw(&self, number: u32, request: &[u8]) -> Result<Vec<u8>, String> {
        let answer = Line::open().and_then(|line| line.call(number, request));
        answer.map_err(|refusal| format!("{refusal:x?}"))
    }
}
