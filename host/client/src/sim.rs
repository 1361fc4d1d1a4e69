//! The TA's logic in this process, over memory: for development and tests.
//! It seals nothing. It is the product's, or the test build's, as it was started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proseal_proto::buffer::Buffer;
use proseal_proto::message::VersionReply;
use proseal_proto::role::Role;
use proseal_ta::device::Ta;
use proseal_ta::dispatch::{self, Build};
use proseal_ta::sim::{Medium, Sim};

use crate::error::Fault;
use crate::transport::{Opener, Transport};

/// Answers a command, as [`dispatch::dispatch`] does.
type Answer = fn(&mut Ta<Sim>, Role, u32, &[u8], usize, &mut Vec<u8>);

fn answer_as_product(
    ta: &mut Ta<Sim>,
    role: Role,
    number: u32,
    request: &[u8],
    room: usize,
    response: &mut Vec<u8>,
) {
    let build = Build(VersionReply::PRODUCT);
    dispatch::dispatch(ta, build, role, number, request, room, response);
}

/// A machine whose TA runs here.
#[derive(Clone)]
pub struct Machine {
    ta: Arc<Mutex<Ta<Sim>>>,
    answer: Answer,
    medium: Arc<Mutex<Medium>>,
    /// The seed of the last start: no two starts draw the same.
    seed: Arc<AtomicU64>,
}

impl Machine {
    /// Starts the product over `medium`, which holds what it has stored.
    #[must_use]
    pub fn start(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        Self::start_with(answer_as_product, medium, seed)
    }

    /// The same of the test build.
    #[must_use]
    pub fn start_test_build(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        Self::start_with(proseal_ta_test::dispatch::dispatch, medium, seed)
    }

    fn start_with(answer: Answer, medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        let ta = Arc::new(Mutex::new(Ta::new(Sim::new(Arc::clone(&medium), seed))));
        Self { ta, answer, medium, seed: Arc::new(AtomicU64::new(seed)) }
    }

    /// The TA ends, and starts anew on what it has stored.
    pub fn restart(&self) {
        let seed = self.seed.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut ta = self.ta.lock().unwrap_or_else(PoisonError::into_inner);
        *ta = Ta::new(Sim::new(Arc::clone(&self.medium), seed));
    }

    /// Powered time passes.
    pub fn pass(&self, time: Duration) {
        let mut medium = self.medium.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        medium.uptime_ms = medium.uptime_ms.saturating_add(passed);
    }
}

impl Opener for Machine {
    fn may(&self, _: Role) -> bool {
        true
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        Ok(Box::new(Session { machine: self.clone(), role }))
    }
}

/// A session of that TA.
struct Session {
    machine: Machine,
    role: Role,
}

impl Transport for Session {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
        response: &mut Buffer,
    ) -> Result<(), Fault> {
        let mut ta = self.machine.ta.lock().unwrap_or_else(PoisonError::into_inner);
        (self.machine.answer)(&mut ta, self.role, number, request, response_max, response);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proseal_proto::error::Code;
    use proseal_proto::message::Version;
    use proseal_proto::test_command::{Marks, TestId};

    use super::*;
    use crate::client::Client;
    use crate::error::Error;

    #[test]
    fn a_machine_is_the_product_unless_it_was_started_as_the_test_build() {
        let mut product = Client::new(Machine::start(Arc::default(), 1));
        let mut test_build = Client::new(Machine::start_test_build(Arc::default(), 1));
        assert_eq!(product.call(&Version).unwrap().build, VersionReply::PRODUCT);
        assert_eq!(test_build.call(&Version).unwrap().build, VersionReply::TEST_BUILD);
        assert_eq!(product.call(&Marks).err(), Some(Error::Refused(Code::UnknownCommand)));
        assert!(test_build.call(&Marks).is_ok());
    }

    #[test]
    fn the_product_has_no_command_from_0x8000_on() {
        let machine = Machine::start(Arc::default(), 1);
        let unknown = Code::UnknownCommand.number().to_be_bytes();
        let last = TestId::ALL.iter().map(|id| id.number()).max().unwrap();
        assert!(last < 0x80ff);
        for number in (0x8000..=0x80ff).chain([0xffff, u32::MAX]) {
            for role in Role::ALL {
                let mut response = Buffer::new();
                let mut session = machine.open(*role).ok().unwrap();
                session.call(number, &[0, 1], 8192, &mut response).unwrap();
                assert_eq!(*response, unknown, "{number:#x} by {role:?}");
            }
        }
    }
}
