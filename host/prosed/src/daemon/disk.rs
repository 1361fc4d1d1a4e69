//! Writes a file anew, again and again, in a thread of its own: a disk takes its time.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use prosed::highwater::file;

use super::wake::Wake;

/// The writer.
pub(crate) struct Disk {
    files: Sender<Vec<u8>>,
    ends: Receiver<std::io::Result<()>>,
}

impl Disk {
    /// Writes to `path` from now on, and wakes when it has.
    pub(crate) fn new(path: PathBuf, wake: Wake) -> Self {
        let (files, inbox) = channel::<Vec<u8>>();
        let (outbox, ends) = channel();
        thread::spawn(move || {
            for octets in inbox {
                if outbox.send(file::store(&path, &octets)).is_err() {
                    return;
                }
                wake.wake();
            }
        });
        Self { files, ends }
    }

    /// Begins to write. One file at a time.
    pub(crate) fn write(&self, octets: Vec<u8>) {
        // The thread ends with this value.
        let _ = self.files.send(octets);
    }

    /// What came of it, if it has ended.
    pub(crate) fn ended(&self) -> Option<std::io::Result<()>> {
        self.ends.try_recv().ok()
    }

    /// Waits until a write that was begun has ended.
    pub(crate) fn wait(&self) -> Option<std::io::Result<()>> {
        self.ends.recv_timeout(std::time::Duration::from_secs(10)).ok()
    }
}
