//! The TA under test: the test build or the product, in the TEE or its logic in
//! this process. Both offer the same [`Target`].

#[cfg(all(feature = "sim", not(feature = "optee")))]
mod sim;
#[cfg(feature = "optee")]
mod tee;

use proseal_client::{Fault, Opener, Transport};
use proseal_proto::role::Role;

/// Which build of the TA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Build {
    /// The test build: most cases install what they need in clear, or ask for what
    /// only it tells.
    #[default]
    Test,
    /// The product.
    Product,
}

/// A way to the TA by one role only.
struct Only<O> {
    opener: O,
    role: Role,
}

impl<O: Opener> Opener for Only<O> {
    fn may(&self, role: Role) -> bool {
        role == self.role && self.opener.may(role)
    }

    fn open(&self, role: Role) -> Result<Box<dyn Transport>, Fault> {
        self.opener.open(role)
    }
}

#[cfg(all(feature = "sim", not(feature = "optee")))]
pub(crate) use sim::Target;
#[cfg(feature = "optee")]
pub(crate) use tee::Target;

#[cfg(not(any(feature = "optee", feature = "sim")))]
compile_error!("one of the features `optee` and `sim` says which TA to test");
