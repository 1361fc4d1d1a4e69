//! Typed calls to ProSeal's trusted application.
//!
//! ```text
//! Client::call(command)  ->  Transport  ->  the TA
//! ```
//!
//! [`Client`] encodes a command, sends it, and decodes the reply; it opens a
//! session when it needs one, and a new one when the TA has died. A
//! [`Transport`] carries octets: [`tee`] to the real TEE, `sim` to the TA's
//! logic in this process. [`timed`] bounds each call in time; [`connect`] is both
//! for the real TEE.

mod application;
mod client;
mod connect;
pub mod device;
pub mod error;
#[cfg(any(feature = "optee", test))]
mod places;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "optee")]
pub mod tee;
pub mod timed;
mod transport;

pub use application::Application;
pub use client::Client;
pub use connect::connect;
pub use error::{Error, Fault, Kind};
pub use transport::{Opener, Transport};
