//! The log, on standard error: structured, and without secrets, since nothing that is
//! secret can be written (no `Debug`, no `Display`).

use tracing_subscriber::filter::LevelFilter;

use crate::args::Args;
use crate::config::{Config, Format, Level};
use crate::failure::Failure;
use crate::here::Here;
use crate::home::Home;

/// Begins it as the configuration says.
pub(crate) fn begin(args: &Args, here: &Here) -> Result<(), Failure> {
    let config = Config::read(&Home::of(args, here))?;
    let level = match config.log {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // Where one was begun already that is the one.
    let _ = match config.log_format {
        Format::Text => log.try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
