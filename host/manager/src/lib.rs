//! ProSeal's group manager: an offline tool, and a server.
//!
//! ```text
//! args -> command -> office (makes what is signed) -> domain (decides), store (SQL) -> report
//!      -> serve -> http (device, operator) -> the same functions
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
mod http;
mod office;
mod output;
mod serve;
pub mod store;
mod value;
pub mod vault;

pub use args::Args;
pub use failure::{EXIT_USAGE, Failure};
pub use here::{Answer, Clock, Here};
pub use output::{Report, print};
pub use serve::Server;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Carries out one command; `serve` until it is told to end.
pub fn run(args: &Args, here: &Here) -> Result<Report, Failure> {
    let system = |error: std::io::Error| Failure::System(error.to_string());
    if args.is_serve() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        return runtime.map_err(system)?.block_on(serve(args, here));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(system)?.block_on(command::run(args, here))
}

async fn serve(args: &Args, here: &Here) -> Result<Report, Failure> {
    serve::begin_log(args, here)?;
    let signal = |kind| signal(kind).map_err(|error| Failure::System(error.to_string()));
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut server = Server::start(args, here).await?;
    let (devices, operators) = (server.device_address(), server.operator_address());
    let object = json!({ "devices": devices.to_string(), "operators": operators.to_string() });
    let text = format!("serves: radios on https://{devices}, operators on https://{operators}\n");
    // Whoever started it waits for this line.
    let said = print(&Ok(Report::new(text, object)), args.json);
    said.map_err(|error| Failure::System(error.to_string()))?;
    let is_asked = tokio::select! {
        _ = term.recv() => true,
        _ = int.recv() => true,
        () = server.failed() => false,
    };
    server.stop().await;
    if !is_asked {
        return Err(Failure::Serve("nothing is written any more: see the log".to_owned()));
    }
    Ok(Report::new("it has ended\n", json!({ "ended": true })))
}
