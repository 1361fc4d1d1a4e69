//! What tee-supplicant has written. OP-TEE's secure storage writes through
//! it, and it writes nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// Its name in `/proc/PID/comm`, which has 15 octets at most.
const NAME: &str = "tee-supplicant";
/// Octets handed to write calls, whether or not they have reached a disk yet
/// (`proc_pid_io(5)`).
const COUNTER: &str = "wchar:";

/// The running tee-supplicant.
pub(crate) struct Supplicant {
    folder: PathBuf,
}

impl Supplicant {
    /// Finds it by its name.
    pub(crate) fn find() -> Result<Self> {
        for process in fs::read_dir("/proc")? {
            let folder = process?.path();
            if is_named(&folder) {
                return Ok(Self { folder });
            }
        }
        Err("tee-supplicant is not running".into())
    }

    /// Octets that it has written since it started.
    pub(crate) fn written(&self) -> Result<u64> {
        let counters = fs::read_to_string(self.folder.join("io"))?;
        let written = counters.lines().find_map(|line| line.strip_prefix(COUNTER));
        Ok(written.ok_or("the kernel does not count what a process writes")?.trim().parse()?)
    }
}

fn is_named(folder: &Path) -> bool {
    fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim_end() == NAME)
}
