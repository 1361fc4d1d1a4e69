//! The usual way: the real TEE, each call bounded in time.

use std::time::Duration;

use crate::{Application, Client};

/// A client of an application of the real TEE, each call bounded in time.
#[cfg(feature = "optee")]
#[must_use]
pub fn connect(application: Application, limit: Duration) -> Client {
    use crate::{tee::Tee, timed::Timed};
    Client::new(Timed::new(Tee::new(application), limit))
}

/// Built without libteec, for a host without any TEE: each call says that there is none.
#[cfg(not(feature = "optee"))]
#[must_use]
pub fn connect(_: Application, _: Duration) -> Client {
    use proseal_proto::role::Role;

    use crate::{Fault, Opener, Transport};

    struct NoTee;

    impl Opener for NoTee {
        fn may(&self, _: Role) -> bool {
            true
        }

        fn open(&self, _: Role) -> Result<Box<dyn Transport>, Fault> {
            Err(Fault::NoDevice)
        }
    }

    Client::new(NoTee)
}
