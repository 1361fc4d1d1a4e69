//! For tests only: a device in memory, and signed things with faults.
//!
//! [`Device`] has both private keys: it opens packages and makes statements.
//! [`fault`] builds the same things as the library from parts that a test may
//! change before they are sealed and signed.
#![cfg_attr(
    not(test),
    expect(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "a test that asks for what is not there should end there"
    )
)]

mod device;
pub mod fault;

pub use coset::cbor::Value;
pub use device::{Device, Fixed, enc_structure, read_content, sig_structure};
