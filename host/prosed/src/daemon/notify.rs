//! Tells systemd how it goes (sd_notify(3)): a datagram to the socket that it names.

use std::env;
use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The way to whoever supervises.
pub(crate) struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    every: Option<Duration>,
    last: Instant,
}

impl Notify {
    /// From `NOTIFY_SOCKET` and `WATCHDOG_USEC`; without them nobody is told.
    pub(crate) fn from_environment() -> Self {
        let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&usec| for_us && usec > 0);
        Self {
            socket: env::var_os("NOTIFY_SOCKET").and_then(open),
            // Twice as often as it must be.
            every: watchdog.map(|usec| Duration::from_micros(usec / 2)),
            last: Instant::now(),
        }
    }

    /// Says something, such as `READY=1`.
    pub(crate) fn say(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            // Nobody may be there to hear it.
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }

    /// The loop goes round: the watchdog is told when it is time.
    pub(crate) fn alive(&mut self) {
        if self.every.is_some_and(|every| self.last.elapsed() >= every) {
            self.last = Instant::now();
            self.say("WATCHDOG=1");
        }
    }

    /// How long the loop may sleep.
    pub(crate) fn within(&self) -> Option<Duration> {
        self.every.map(|every| every.saturating_sub(self.last.elapsed()))
    }
}

fn open(path: OsString) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name).ok()?,
        None => SocketAddr::from_pathname(path).ok()?,
    };
    Some((UnixDatagram::unbound().ok()?, address))
}
