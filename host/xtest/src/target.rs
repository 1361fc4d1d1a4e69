//! The TA under test: the test build in the TEE, or its logic in this
//! process. Both offer the same [`Target`].

#[cfg(all(feature = "sim", not(feature = "optee")))]
mod sim;
#[cfg(feature = "optee")]
mod tee;

#[cfg(all(feature = "sim", not(feature = "optee")))]
pub(crate) use sim::Target;
#[cfg(feature = "optee")]
pub(crate) use tee::Target;

#[cfg(not(any(feature = "optee", feature = "sim")))]
compile_error!("one of the features `optee` and `sim` says which TA to test");
