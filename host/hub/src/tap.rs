//! The one call that std and rustix have not: TUNSETIFF (Linux, include/uapi/linux/if_tun.h).
#![expect(unsafe_code, reason = "an ioctl")]

use std::ffi::c_void;
use std::fs::File;
use std::io;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

/// `struct ifreq`: a name and flags, 40 octets in all.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

const IFF_TAP: u16 = 0x0002;
/// No header before each frame.
const IFF_NO_PI: u16 = 0x1000;

struct Attach(Request);

// SAFETY: TUNSETIFF is _IOW('T', 202, int), reads a `struct ifreq`, and writes the name it chose
// into it; the request lives through the call, and no more of it is used.
unsafe impl Ioctl for Attach {
    type Output = ();
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::write::<i32>(b'T', 202)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    // SAFETY: neither pointer nor result is looked at.
    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Makes the file that of a TAP interface.
pub(crate) fn attach(file: &File, name: &str) -> io::Result<()> {
    let mut request = Request { name: [0; 16], flags: IFF_TAP | IFF_NO_PI, rest: [0; 22] };
    // The last octet ends the name.
    if name.is_empty() || name.len() >= request.name.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "an interface's name has 1 to 15 octets",
        ));
    }
    for (place, octet) in request.name.iter_mut().zip(name.bytes()) {
        *place = octet;
    }
    // SAFETY: see `Attach`.
    Ok(unsafe { ioctl(file, Attach(request)) }?)
}
