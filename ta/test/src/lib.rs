//! The test build of the trusted application: the product's logic, and the
//! commands that only tests may have. It has a UUID of its own, and so other
//! sealing keys.
#![no_std]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

pub mod dispatch;
pub mod marks;
#[cfg(feature = "optee")]
#[path = "../../memory.rs"]
mod memory;
