//! What the process does to itself at the start: no core dumps, memory that is not
//! swapped, one daemon a radio.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Nobody reads this process's memory from outside, and no crash writes it to disk.
pub(crate) fn no_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Keeps all memory out of swap, what is allocated later too.
pub(crate) fn lock_memory() -> io::Result<()> {
    Ok(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)?)
}

/// Takes the lock of a state folder for as long as the file is open: two daemons of one
/// radio would send under one member id.
pub(crate) fn only_one(state: &Path) -> io::Result<File> {
    fs::create_dir_all(state)?;
    let path = state.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
