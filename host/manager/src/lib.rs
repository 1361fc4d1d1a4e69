//! ProSeal's group manager, as an offline tool.
//!
//! ```text
//! args -> command -> domain (decides) -> store (SQL) -> report
//!                 -> office (makes what is signed, through proseal-issuer)
//! ```
//!
//! The program is [`run`] and little else, so that tests drive it with a clock of
//! their own.
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

mod args;
mod command;
mod config;
pub mod domain;
mod failure;
mod file;
mod here;
mod home;
mod office;
mod output;
pub mod store;
mod value;
pub mod vault;

pub use args::Args;
pub use failure::{EXIT_USAGE, Failure};
pub use here::{Answer, Clock, Here};
pub use output::{Report, print};

/// Carries out one command.
pub fn run(args: &Args, here: &Here) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::System(error.to_string()))?;
    runtime.block_on(command::run(args, here))
}
