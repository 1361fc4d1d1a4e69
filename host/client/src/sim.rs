//! The TA's logic in this process, over memory: for development and tests.
//! It seals nothing.

use std::sync::{Arc, Mutex, PoisonError};

use proseal_proto::role::Role;
use proseal_ta::device::Ta;
use proseal_ta::sim::{Medium, Sim};
use proseal_ta_test::dispatch::dispatch;
use zeroize::Zeroizing;

use crate::error::Fault;
use crate::transport::{Opener, Transport};

/// A machine whose TA runs here.
#[derive(Clone)]
pub struct Machine {
    ta: Arc<Mutex<Ta<Sim>>>,
}

impl Machine {
    /// Starts the TA over `medium`, which holds what it has stored.
    #[must_use]
    pub fn start(medium: Arc<Mutex<Medium>>, seed: u64) -> Self {
        Self { ta: Arc::new(Mutex::new(Ta::new(Sim::new(medium, seed)))) }
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
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut response = Zeroizing::new(Vec::with_capacity(response_max));
        let mut ta = self.machine.ta.lock().unwrap_or_else(PoisonError::into_inner);
        dispatch(&mut ta, self.role, number, request, response_max, &mut response);
        Ok(response)
    }
}
