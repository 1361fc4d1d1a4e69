//! tee-supplicant as a process: how many storage calls it has made, and its
//! death and return.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Debian's program; the name itself is a script's (qemu-env/guest/tee-supplicant).
const PROGRAM: &str = "/usr/lib/tee-supplicant";

/// A tee-supplicant that runs.
pub(crate) struct Supplicant(Pid);

impl Supplicant {
    /// The one that runs.
    pub(crate) fn find() -> io::Result<Option<Self>> {
        for process in fs::read_dir("/proc")?.flatten() {
            let number = process.file_name().to_string_lossy().parse().ok();
            let Some(pid) = number.and_then(Pid::from_raw) else { continue };
            // Of a process that has just ended there is none.
            let program = fs::read_link(process.path().join("exe"));
            if program.is_ok_and(|program| program == Path::new(PROGRAM)) {
                return Ok(Some(Self(pid)));
            }
        }
        Ok(None)
    }

    /// Reads and writes that it has made so far: of the store's files, once the
    /// TA is loaded, and nothing else.
    pub(crate) fn calls(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/io", self.0.as_raw_nonzero()))?;
        let counted = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            ["syscr", "syscw"].contains(&name).then_some(value)?.parse::<u64>().ok()
        });
        Ok(counted.sum())
    }

    /// Whether one of its threads does anything but wait for the next request
    /// (in Linux's driver, where `optee_supp_recv` is). So does one that ends.
    pub(crate) fn is_busy(&self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.as_raw_nonzero()));
        let waits = |task: fs::DirEntry| {
            fs::read_to_string(task.path().join("wchan"))
                .is_ok_and(|place| place == "optee_supp_recv")
        };
        !tasks.is_ok_and(|tasks| tasks.flatten().all(waits))
    }

    /// Kills it.
    pub(crate) fn kill(&self) -> io::Result<()> {
        Ok(kill_process(self.0, Signal::KILL)?)
    }
}

/// Starts tee-supplicant as people do, by the guard's script, which waits until
/// nobody holds the TEE any more.
pub(crate) fn start() -> io::Result<()> {
    let started = Command::new("tee-supplicant").arg("-d").stdin(Stdio::null()).output()?;
    if started.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&started.stderr).into_owned()))
}
