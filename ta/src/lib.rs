//! The trusted application's logic: it holds the PGKs and gives out what is
//! derived from them. It knows nothing of OP-TEE, so that it builds, is
//! tested and fuzzed on the development host; [`platform`] is what the world
//! must offer it.
//!
//! The rules, in words:
//! 1. A PGK comes in by [`apply`] and goes nowhere but into [`kdf`]. What a
//!    device's manager has not signed, and what is not sealed to the device, does not
//!    come in.
//! 2. What a command changes is persisted before it answers: one write, old
//!    state or new, whole ([`device`]).
//! 3. No epoch of a sender is given out twice ([`epoch`]).
//! 4. Nothing that security depends on lives only in memory: a panic or a
//!    power cut at any instant costs at most some unused PTK Ids.
//! 5. What has ended stays ended: by the floor, which never goes back
//!    ([`state::life`]), and by each group's `next`, which never falls.
//! 6. Every refusal is a [`proseal_proto::error::Code`], never a panic.
//!
//! Read [`dispatch`] first: it is the table of who answers what.
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
#[cfg(any(test, feature = "sim"))]
extern crate std;

pub mod apply;
pub mod clock;
mod command;
pub mod device;
pub mod dispatch;
pub mod epoch;
pub mod gcm;
pub mod hpke;
pub mod kdf;
#[cfg(feature = "optee")]
pub mod optee;
pub mod platform;
pub mod secret;
pub mod session;
pub mod signature;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod stack;
pub mod state;

/// The TA's version as one number: 1.2.3 is 10203.
pub const VERSION: u32 = {
    const fn part(text: &str) -> u32 {
        let part = match u32::from_str_radix(text, 10) {
            Ok(part) => part,
            Err(_) => u32::MAX,
        };
        assert!(part < 100, "each part of the version is a number below 100");
        part
    }
    part(env!("CARGO_PKG_VERSION_MAJOR")) * 10_000
        + part(env!("CARGO_PKG_VERSION_MINOR")) * 100
        + part(env!("CARGO_PKG_VERSION_PATCH"))
};
