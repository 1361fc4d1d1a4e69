//! The manager's side of ProSeal's signed formats, docs/package.md: makes and
//! checks delegations, packages and notices, and checks statements.
//!
//! ```text
//! RootKey     --signs-->  Delegation {signer, version, manager}
//! Signer      = SignerKey + its Delegation
//! SenderContext: what a package is sealed in, before there is anything to seal
//!             --seals-->  Package (DesiredState for one device)
//!             --signs-->  Notice  (in group G everything below N is ended)
//! a device    --signs-->  Statement
//! Trust       --checks->  Package, Notice
//! ```
//!
//! The trusted application opens what is sealed here by code of its own:
//! nothing here is shared with it but the value types of `proseal_proto`. No
//! clock, no storage, no policy: time, randomness and keys come in as
//! arguments. Private keys and PGKs wipe themselves and have no `Debug`,
//! `Clone`, `==` or serialization.
#![forbid(unsafe_code)]
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

mod cbor;
mod chain;
mod cose;
mod delegation;
mod device;
mod error;
mod key;
mod kind;
mod notice;
mod package;
mod sender;
mod state;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;

pub use chain::Trust;
pub use cose::HPKE_3;
pub use delegation::{Delegation, ManagerId, Signer, SignerVersion};
pub use device::DeviceKeys;
pub use error::{Error, Field};
pub use key::{RootKey, SignerKey, VerifyKey};
pub use kind::Kind;
pub use notice::Notice;
pub use package::Package;
pub use sender::SenderContext;
pub use state::{DesiredState, Group, GroupKey, Pgk, StateError};
pub use statement::{Statement, held_digest};

/// What seals and generates draw from (`rand_core`).
pub use rand_core::CryptoRng;

/// The operating system's random source. It panics when the kernel gives
/// nothing, which it does at early boot at most.
#[must_use]
pub fn system_random() -> impl CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}
