//! Files with nothing secret in them: read whole and bounded, written whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use crate::failure::Failure;

/// Standard input or output in the place of a file.
pub(crate) const STANDARD: &str = "-";

/// How a message names what is read.
#[must_use]
pub fn name(path: &Path) -> String {
    if path == Path::new(STANDARD) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Opens a file, or standard input, to be read.
pub fn open(path: &Path) -> io::Result<File> {
    if path == Path::new(STANDARD) {
        // As a file: std's own handle would keep what is read in its buffer.
        Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    } else {
        File::open(path)
    }
}

/// Reads at most one octet more than `most`, which tells what is too long.
pub(crate) fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::File {
        message: format!("cannot read {}: {error}", name(path)),
        hint: "name a file that this user may read, or - for standard input",
    };
    let mut octets = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    open(path).map_err(failed)?.take(limit).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

/// Writes what nobody need keep secret.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    fs::write(path, octets).map_err(|error| Failure::File {
        message: format!("cannot write {}: {error}", path.display()),
        hint: "name a file in a folder that this user may write to, on a disk with room",
    })
}
