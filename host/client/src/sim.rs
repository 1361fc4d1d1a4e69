//! The TA's logic in this process, over memory: for development and tests.
//! It seals nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proseal_proto::buffer::Buffer;
use proseal_proto::role::Role;
use proseal_ta::device::Ta;
use proseal_ta::sim::{Medium, Sim};
use proseal_ta_test::dispatch::dispatch;

use crate::error::Fault;
use crate::transport::{Opener, Transport};

/// A machine whose TA runs here.
#[derive(Clone)]
pub struct Machine {
    ta: Arc<Mutex<Ta<Sim>>>,
    medium: Arc<Mutex<Medium>>,
    /// The seed of the last start: no two starts draw the same.
    seed: Arc<AtomicU64>,
}

impl Machine {
    /// Starts the TA over `medium`, which holds what it has stored.
    #[must_use]
    pub fn start(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        let ta = Ta::new(Sim::new(Arc::clone(&medium), seed));
        Self { ta: Arc::new(Mutex::new(ta)), medium, seed: Arc::new(AtomicU64::new(seed)) }
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
        dispatch(&mut ta, self.role, number, request, response_max, response);
        Ok(())
    }
}
