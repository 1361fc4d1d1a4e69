//! One-to-many traffic of a ProSe group (docs/packet.md), as a protocol without
//! input and output: time and frames come in as arguments, what is to be done comes
//! back as actions. No socket, no thread and no clock is here.
//!
//! ```text
//! a frame     -> receive -> what to deliver, or why not (drops)
//!                   \- a miss in the key cache -> calls -> the TEE's `receive`
//! a payload   -> send    -> a frame
//!                   \- an epoch ahead -> the TEE's `send`
//! an object   -> object  -> what to import, what to send again
//! station: all of them for one radio, each frame counted once
//! ```
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

pub mod admission;
pub mod bucket;
pub mod calls;
pub mod drops;
pub mod epoch;
pub mod event;
pub mod frame;
pub mod group;
pub mod highwater;
pub mod keys;
pub mod object;
mod queue;
pub mod receive;
pub mod send;
pub mod station;
pub mod suite;
pub mod time;
pub mod varlink;
pub mod window;
