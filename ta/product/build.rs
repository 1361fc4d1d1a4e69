//! Writes the TA's header and links it as OP-TEE wants.

#[cfg(feature = "optee")]
#[path = "../link.rs"]
mod link;
#[cfg(feature = "optee")]
#[path = "../memory.rs"]
mod memory;

fn main() {
    #[cfg(feature = "optee")]
    link::link(proseal_proto::UUID, memory::STACK, memory::HEAP);
}
