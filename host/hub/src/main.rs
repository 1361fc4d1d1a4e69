//! `prose-hub`: see the library.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use prose_hub::fault::Faults;
use prose_hub::order::{share, time};
use prose_hub::pcap::Capture;
use prose_hub::port::Port;
use prose_hub::run::{Hub, run};

/// Carries Ethernet frames between radios: what one sends, all others get
///
/// It runs until its standard input ends. Each line there is an order (`loss 0.05`,
/// `down NAME`, `up NAME`, `count`, or another of the faults below with its value) and is
/// answered by a line of JSON. The last line says what became of all frames.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Args {
    /// A TAP interface, made if it is not there; it may be moved into any namespace
    #[arg(long, value_name = "NAME")]
    tap: Vec<String>,
    /// A Unix socket at which QEMU connects (-netdev stream); the port has the file's name
    #[arg(long, value_name = "PATH")]
    stream: Vec<PathBuf>,
    /// What decides all faults, with the order of frames
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Share of frames that are lost on their way to one radio
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    loss: f64,
    /// Share that arrives twice
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    duplication: f64,
    /// Share that waits longer (--held), so that later ones pass it
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    reordering: f64,
    /// How long each frame is on its way, in milliseconds
    #[arg(long, value_name = "MS", default_value = "0", value_parser = time)]
    delay: Duration,
    /// Up to so much longer
    #[arg(long, value_name = "MS", default_value = "0", value_parser = time)]
    jitter: Duration,
    /// How much longer a reordered one waits
    #[arg(long, value_name = "MS", default_value = "20", value_parser = time)]
    held: Duration,
    /// Write what radios send into this pcap file
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("TAP interface {0}: {1}")]
    Tap(String, io::Error),
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    File(PathBuf, io::Error),
    #[error("two ports have the name {0}")]
    Twice(String),
    #[error("the link ended: {0}")]
    Link(#[from] io::Error),
}

fn main() -> ExitCode {
    match carry(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("prose-hub: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn carry(args: Args) -> Result<(), Failure> {
    let Args { tap, stream, seed, loss, duplication, reordering, delay, jitter, held, capture } =
        args;
    let mut ports: Vec<(String, Port)> = Vec::new();
    for name in tap {
        let port = Port::tap(&name).map_err(|error| Failure::Tap(name.clone(), error))?;
        ports.push((name, port));
    }
    for path in stream {
        let port = Port::stream(&path).map_err(|error| Failure::File(path.clone(), error))?;
        ports.push((file_name(&path), port));
    }
    let mut names: Vec<_> = ports.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
        return Err(Failure::Twice((*name).to_owned()));
    }
    let capture = capture.map(|path| {
        let file = File::create(&path).and_then(|file| Capture::start(BufWriter::new(file)));
        file.map_err(|error| Failure::File(path, error))
    });
    let faults = Faults { loss, duplication, reordering, delay, jitter, held };
    let hub = Hub { ports, seed, faults, capture: capture.transpose()? };
    Ok(run(hub, io::stdin().lock(), io::stdout().lock())?)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
