//! What both worlds agree on: command numbers, messages, error codes, the
//! codec and the content of packages. Nothing else is shared between the
//! normal world and the trusted application.
//!
//! Where to look first: [`command`] is the table of what can be asked,
//! [`message`] holds what each command carries, [`error`] the stable codes.
//!
//! Rules of evolution:
//! 1. A number (command, code, profile, suite, map key) is never used twice.
//! 2. Within one [`PROTO_VERSION`] no message changes its shape or grows.
//! 3. A version that is not known is refused, never guessed at.
//! 4. No message can carry a PGK, a root or a device private key outward. The
//!    only thing that carries a PGK is [`content`], and it goes inward.
#![no_std]
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

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod buffer;
mod cbor;
pub mod codec;
pub mod command;
pub mod content;
mod cose;
pub mod error;
pub mod id;
pub mod key;
pub mod limit;
pub mod message;
pub mod package;
pub mod profile;
pub mod role;
pub mod statement;
pub mod test_command;

/// UUID of the trusted application. That of its test build is in [`test_command`].
pub const UUID: &str = "a8bbab68-6d72-4b48-9ebb-b0836bcd4982";

/// Version of the commands and messages, the first word of each request.
pub const PROTO_VERSION: u16 = 1;
