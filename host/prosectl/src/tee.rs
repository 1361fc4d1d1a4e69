//! The way to the TA.

use std::time::Duration;

use proseal_client::{Application, Client};

/// A client of an application of the real TEE, each call bounded in time.
#[cfg(feature = "optee")]
pub(crate) fn client(application: Application, limit: Duration) -> Client {
    use proseal_client::{tee::Tee, timed::Timed};
    Client::new(Timed::new(Tee::new(application), limit))
}

/// Built without libteec, for unit tests on a host without any TEE.
#[cfg(not(feature = "optee"))]
pub(crate) fn client(_: Application, _: Duration) -> Client {
    use proseal_client::{Fault, Opener, Transport};
    use proseal_proto::role::Role;

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
