//! The TA's logic in this process, over memory: for development and tests.
//! It seals nothing.

use std::sync::{Arc, Mutex, PoisonError};

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
    fn open(&self) -> Result<Box<dyn Transport>, Fault> {
        Ok(Box::new(self.clone()))
    }
}

impl Transport for Machine {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        response_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut response = Zeroizing::new(Vec::with_capacity(response_max));
        let mut ta = self.ta.lock().unwrap_or_else(PoisonError::into_inner);
        dispatch(&mut ta, number, request, response_max, &mut response);
        Ok(response)
    }
}
