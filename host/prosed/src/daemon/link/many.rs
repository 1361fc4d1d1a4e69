//! Many datagrams in one system call, which rustix has no calls for: `recvmmsg(2)`, and
//! segments of one buffer (UDP_SEGMENT, udp(7)), which pass the system's network as one.
//!
//! UDP_GRO, the same when receiving, is left alone: the kernel counts what it drops of
//! such a heap of datagrams as one.
#![expect(unsafe_code, reason = "system calls")]

use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::net::SocketAddrV6;
use std::os::fd::{AsRawFd, BorrowedFd};

use prosed::frame::DATA_MAX;

/// Datagrams that are received in one call.
pub(crate) const MANY: usize = 32;
/// Segments of one buffer at most: enough to share what a send costs, and so few that the
/// receiver works while the sender does. Linux takes 64, which was no faster.
pub(super) const SEGMENTS: usize = 16;
/// Their octets: of a datagram over IPv6.
pub(super) const SEGMENTED_MAX: usize = DATA_MAX;
/// From one datagram's room to the next: the last lines of the processor's cache are not
/// all in one set of it.
const STRIDE: usize = DATA_MAX + 1 + 9 * 64;

/// Room for datagrams.
pub(crate) struct Inbox {
    octets: Vec<u8>,
    lens: [usize; MANY],
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { octets: vec![0; MANY * STRIDE], lens: [0; MANY] }
    }

    /// Takes the datagrams that have come, at most [`MANY`]; how many.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: zeros are a message without address, octets and ancillary data.
        let mut messages: [libc::mmsghdr; MANY] = unsafe { zeroed() };
        let empty = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        let mut rooms = [empty; MANY];
        let each = messages.iter_mut().zip(&mut rooms).zip(self.octets.chunks_exact_mut(STRIDE));
        for ((message, room), octets) in each {
            *room = libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: STRIDE };
            message.msg_hdr.msg_iov = room;
            message.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: there are MANY messages, each with one room of STRIDE octets of its own in
        // `octets`; `messages` and `rooms` live through the call.
        let count = unsafe {
            let (many, none) = (MANY as libc::c_uint, std::ptr::null_mut());
            libc::recvmmsg(
                socket.as_raw_fd(),
                messages.as_mut_ptr(),
                many,
                libc::MSG_DONTWAIT as _,
                none,
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (len, message) in self.lens.iter_mut().zip(&messages) {
            *len = message.msg_len as usize;
        }
        Ok(count)
    }

    /// A datagram of the last call.
    pub(crate) fn datagram(&mut self, number: usize) -> &mut [u8] {
        &mut self.octets[number * STRIDE..][..self.lens[number]]
    }
}

/// Sends a buffer as datagrams of `segment` octets each; the last one may be shorter.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    to: SocketAddrV6,
    octets: &[u8],
    segment: u16,
) -> io::Result<()> {
    // SAFETY: zeros are an address of no family, and a message without anything.
    let (mut address, mut message): (libc::sockaddr_in6, libc::msghdr) = unsafe { zeroed() };
    address.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    address.sin6_port = to.port().to_be();
    address.sin6_addr.s6_addr = to.ip().octets();
    address.sin6_scope_id = to.scope_id();
    let mut room =
        libc::iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() };
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    message.msg_iov = &raw mut room;
    message.msg_iovlen = 1;
    // Aligned as a header of ancillary data is.
    let mut ancillary = [0_u64; 4];
    message.msg_control = ancillary.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&ancillary) as _;
    // SAFETY: `ancillary` has room for one header and two octets behind it, which is less
    // than its 32; the address, the octets and it live through the call, which writes to none.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as libc::c_uint) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as libc::c_uint) as _;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment);
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, UdpSocket};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn segments_arrive_as_datagrams_in_their_order() {
        let (one, other) =
            (UdpSocket::bind("[::1]:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
        let to = SocketAddrV6::new(Ipv6Addr::LOCALHOST, other.local_addr().unwrap().port(), 0, 0);
        let octets: Vec<u8> = (0..50_u8).flat_map(|number| [number; 1000]).collect();
        send(one.as_fd(), to, &octets[..49_500], 1000).unwrap();
        let (mut inbox, mut came) = (Inbox::new(), Vec::new());
        while came.len() < 50 {
            let count = inbox.receive(other.as_fd()).unwrap();
            assert!((1..=MANY).contains(&count));
            came.extend((0..count).map(|number| inbox.datagram(number).to_vec()));
        }
        for (number, datagram) in came.iter().enumerate() {
            let len = if number == 49 { 500 } else { 1000 };
            assert_eq!(*datagram, vec![number as u8; len]);
        }
        let none = inbox.receive(other.as_fd()).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn the_longest_and_the_shortest_datagram_have_room() {
        let one = UdpSocket::bind("[::1]:0").unwrap();
        let other = UdpSocket::bind("[::1]:0").unwrap();
        let to = other.local_addr().unwrap();
        for len in [DATA_MAX, 0] {
            one.send_to(&vec![7; len], to).unwrap();
        }
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(other.as_fd()).unwrap(), 2);
        assert_eq!((inbox.datagram(0).len(), inbox.datagram(1).len()), (DATA_MAX, 0));
    }
}
