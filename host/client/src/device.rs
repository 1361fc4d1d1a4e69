//! The TEE's device, looked at without the TEE: why it cannot be opened.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};

use rustix::process::{self, Gid};

use crate::error::Fault;

/// The client devices of the kernel's TEE subsystem, in the order in which
/// libteec tries them.
fn devices() -> impl Iterator<Item = String> {
    (0..10).map(|number| format!("/dev/tee{number}"))
}

/// The TEE device that this process may open.
pub fn probe() -> Result<String, Fault> {
    probe_all(devices(), |device| OpenOptions::new().read(true).write(true).open(device).map(drop))
}

/// The first device that is there decides.
fn probe_all(
    devices: impl Iterator<Item = String>,
    open: impl Fn(&str) -> io::Result<()>,
) -> Result<String, Fault> {
    for device in devices {
        match open(&device) {
            Ok(()) => return Ok(device),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Fault::NoPermission { device });
            }
            Err(error) => return Err(Fault::DeviceFailed { device, reason: error.to_string() }),
        }
    }
    Err(Fault::NoDevice)
}

/// Whether Linux lets this process log in by a group: the effective one, or a
/// supplementary one. Root has no privilege here.
#[must_use]
pub fn is_in_group(gid: u32) -> bool {
    let is_it = |group: Gid| group.as_raw() == gid;
    is_it(process::getegid()) || process::getgroups().is_ok_and(|all| all.into_iter().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(open: impl Fn(&str) -> io::Result<()>) -> Result<String, Fault> {
        probe_all(devices(), open)
    }

    #[test]
    fn the_first_device_that_is_there_decides() {
        let gone = || io::Error::from(ErrorKind::NotFound);
        let closed = || io::Error::from(ErrorKind::PermissionDenied);
        assert_eq!(probe(|_| Err(gone())), Err(Fault::NoDevice));
        assert_eq!(probe(|_| Ok(())), Ok("/dev/tee0".to_owned()));
        let second = |device: &str| if device.ends_with('1') { Err(closed()) } else { Err(gone()) };
        assert_eq!(probe(second), Err(Fault::NoPermission { device: "/dev/tee1".to_owned() }));
        let busy = probe(|_| Err(io::Error::from(ErrorKind::ResourceBusy)));
        assert!(matches!(busy, Err(Fault::DeviceFailed { device, .. }) if device == "/dev/tee0"));
    }
}
