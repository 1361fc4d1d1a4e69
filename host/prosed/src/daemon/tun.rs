//! A TUN interface: ordinary programs send and hear IP packets by it. Its MTU is what a
//! frame with extension leaves of the link's, and it is up. Addresses and routes are the system's.
#![expect(unsafe_code, reason = "interfaces are set up by ioctls that rustix has no calls for")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use proseal_proto::id::GroupId;
use rustix::ioctl::{self, Setter};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// `TUNSETIFF` (linux/if_tun.h).
const TUNSETIFF: ioctl::Opcode = 0x4004_54ca;
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;

/// `SIOCSIFMTU` (linux/sockios.h).
const SIOCSIFMTU: ioctl::Opcode = 0x8922;
/// `SIOCSIFFLAGS` (linux/sockios.h).
const SIOCSIFFLAGS: ioctl::Opcode = 0x8914;
/// Up, without ARP, with multicast (linux/if.h): the last two as the driver has them.
const UP: u16 = 0x0001 | 0x0080 | 0x1000;

/// `struct ifreq` (linux/if.h): a name, and a value that the request gives its meaning.
#[repr(C)]
struct Request {
    name: [u8; 16],
    value: [u8; 24],
}

const _: () = assert!(size_of::<Request>() == 40);

impl Request {
    /// `name` has at most 15 octets, `value` at most 24.
    fn new(name: &str, value: &[u8]) -> Self {
        let mut request = Self { name: [0; 16], value: [0; 24] };
        request.name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        request.value.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
        request
    }
}

/// The interface of a group.
pub(crate) struct Tun {
    pub(crate) group: GroupId,
    pub(crate) name: String,
    file: File,
    /// Packets that the kernel did not take: the interface is down, for instance.
    pub(crate) failed: u64,
}

impl Tun {
    /// Makes or takes the interface of this name, at most 15 octets, and brings it up.
    pub(crate) fn open(group: GroupId, name: &str) -> io::Result<Self> {
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(nonblocking).open("/dev/net/tun")?;
        let request = Request::new(name, &(IFF_TUN | IFF_NO_PI).to_ne_bytes());
        // SAFETY: TUNSETIFF reads a `struct ifreq`, which `Request` is.
        unsafe { ioctl::ioctl(&file, Setter::<TUNSETIFF, Request>::new(request))? };
        let tun = Self { group, name: name.to_owned(), file, failed: 0 };
        tun.set::<SIOCSIFFLAGS>(&UP.to_ne_bytes())?;
        Ok(tun)
    }

    /// Sets the largest packet.
    pub(crate) fn set_mtu(&self, mtu: usize) -> io::Result<()> {
        let mtu = i32::try_from(mtu).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.set::<SIOCSIFMTU>(&mtu.to_ne_bytes())
    }

    /// Sets a property of the interface: by any socket.
    fn set<const WHAT: ioctl::Opcode>(&self, value: &[u8]) -> io::Result<()> {
        let request = Request::new(&self.name, value);
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET6, SocketType::DGRAM, flags, None)?;
        // SAFETY: requests that set something of an interface read a `struct ifreq`, which
        // `Request` is.
        unsafe { ioctl::ioctl(&socket, Setter::<WHAT, Request>::new(request))? };
        Ok(())
    }

    /// The next packet that a program sent; `None` if there is none.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.file.read(buffer).ok().filter(|&len| len > 0)
    }

    /// Gives a packet to the system.
    pub(crate) fn send(&mut self, packet: &[u8]) {
        if self.file.write(packet).is_err() {
            self.failed += 1;
        }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
