//! Writes the TA's header and links it as OP-TEE wants.

#[cfg(feature = "optee")]
#[path = "../link.rs"]
mod link;

/// OP-TEE's smallest: this TA does nothing, octets.
#[cfg(feature = "optee")]
const STACK: u32 = 4 * 1024;
#[cfg(feature = "optee")]
const HEAP: u32 = 4 * 1024;

fn main() {
    #[cfg(feature = "optee")]
    link::link(proseal_proto::test_command::EMPTY_UUID, STACK, HEAP);
}
