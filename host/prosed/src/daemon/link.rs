//! The ad-hoc link: UDP over IPv6 multicast, one socket for all groups. Frames of one length
//! that follow one another leave together.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use proseal_proto::id::GroupId;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, netdevice, socket_with, sockopt};

use super::config::Config;
pub(crate) use many::{Inbox, MANY};
use many::{SEGMENTED_MAX, SEGMENTS};

mod many;

/// Room for bursts while the loop does something else.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The socket, and the groups whose addresses it has joined.
pub(crate) struct Link {
    socket: UdpSocket,
    interface: u32,
    port: u16,
    joined: Vec<(GroupId, Ipv6Addr)>,
    queue: Queue,
    /// Whether the kernel and the interface take segments.
    segments: bool,
    /// Frames that the kernel did not take.
    pub(crate) send_failed: u64,
}

/// Frames of one length to one address, one behind the other; the last one may be shorter.
struct Queue {
    octets: Vec<u8>,
    to: Ipv6Addr,
    /// The length of each.
    frame: usize,
    count: usize,
}

impl Queue {
    fn takes(&self, to: Ipv6Addr, len: usize) -> bool {
        self.count == 0
            || to == self.to
                && len <= self.frame
                && self.octets.len() == self.frame * self.count
                && self.count < SEGMENTS
                && self.octets.len() + len <= SEGMENTED_MAX
    }

    fn push(&mut self, to: Ipv6Addr, frame: &[u8]) {
        if self.count == 0 {
            (self.to, self.frame) = (to, frame.len());
        }
        self.octets.extend_from_slice(frame);
        self.count += 1;
    }
}

impl Link {
    /// Opens the link on the interface of a configuration.
    pub(crate) fn open(config: &Config) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = socket_with(AddressFamily::INET6, SocketType::DGRAM, flags, None)?;
        let interface = netdevice::name_to_index(&fd, &config.interface)?;
        sockopt::set_ipv6_v6only(&fd, true)?;
        sockopt::set_socket_reuseaddr(&fd, true)?;
        // Beyond the system's limit only with the right to it; less room is no error.
        if sockopt::set_socket_recv_buffer_size_force(&fd, RECEIVE_BUFFER).is_err() {
            sockopt::set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER)?;
        }
        sockopt::set_ipv6_multicast_hops(&fd, 1)?;
        bind(&fd, &SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, config.port, 0, 0))?;
        let socket = UdpSocket::from(fd);
        socket.set_multicast_loop_v6(false)?;
        Ok(Self {
            socket,
            interface,
            port: config.port,
            joined: Vec::new(),
            queue: Queue {
                octets: Vec::with_capacity(SEGMENTED_MAX),
                to: Ipv6Addr::UNSPECIFIED,
                frame: 0,
                count: 0,
            },
            segments: true,
            send_failed: 0,
        })
    }

    /// Hears these groups from now on, and no others.
    pub(crate) fn join(&mut self, groups: &[(GroupId, Ipv6Addr)]) -> io::Result<()> {
        let (stay, leave): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.joined).into_iter().partition(|one| groups.contains(one));
        self.joined = stay;
        for (_, address) in leave {
            self.socket.leave_multicast_v6(&address, self.interface)?;
        }
        for group in groups {
            if !self.joined.contains(group) {
                self.socket.join_multicast_v6(&group.1, self.interface)?;
                self.joined.push(*group);
            }
        }
        Ok(())
    }

    /// Sends a frame to its group, at the next [`Self::flush`] at the latest. What the kernel
    /// does not take is lost, and counted.
    pub(crate) fn send(&mut self, group: GroupId, frame: &[u8]) {
        let Some(&(_, to)) = self.joined.iter().find(|(joined, _)| *joined == group) else {
            self.send_failed += 1;
            return;
        };
        if !self.queue.takes(to, frame.len()) {
            self.flush();
        }
        self.queue.push(to, frame);
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) {
        let Queue { octets, to, frame, count } = &mut self.queue;
        if *count == 0 {
            return;
        }
        let to = SocketAddrV6::new(*to, self.port, 0, self.interface);
        let segment = u16::try_from(*frame).ok().filter(|_| self.segments && *count > 1);
        let sent = segment.map(|segment| many::send(self.socket.as_fd(), to, octets, segment));
        // What does not go at once goes one by one; from then on, where the interface's driver
        // makes no checksums (udp(7)).
        if let Some(Err(error)) = &sent
            && Errno::from_io_error(error) == Some(Errno::IO)
        {
            self.segments = false;
        }
        if !matches!(sent, Some(Ok(()))) {
            for frame in octets.chunks((*frame).max(1)) {
                self.send_failed += u64::from(self.socket.send_to(frame, to).is_err());
            }
        }
        octets.clear();
        *count = 0;
    }

    /// Takes the frames that have come in, as many as `inbox` has room for; how many.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> usize {
        loop {
            match inbox.receive(self.socket.as_fd()) {
                Ok(count) => return count,
                // Of an earlier send: the frames behind it are not lost.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return 0,
            }
        }
    }

    /// Frames that the kernel had no room for, as it counts them for this socket.
    pub(crate) fn kernel_drops(&self) -> Option<u64> {
        let inode = rustix::fs::fstat(&self.socket).ok()?.st_ino.to_string();
        let sockets = std::fs::read_to_string("/proc/self/net/udp6").ok()?;
        let mut lines = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|fields| fields.get(9) == Some(&inode.as_str()))?;
        line.last()?.parse().ok()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use prosed::frame::DATA_MAX;

    use super::*;

    #[test]
    fn only_frames_that_can_be_told_apart_again_leave_together() {
        let (to, other) = (Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED);
        let mut queue = Queue { octets: Vec::new(), to: other, frame: 0, count: 0 };
        assert!(queue.takes(to, DATA_MAX));
        queue.push(to, &[0; 100]);
        queue.push(to, &[0; 100]);
        assert!(queue.takes(to, 100) && queue.takes(to, 60));
        assert!(!queue.takes(other, 100) && !queue.takes(to, 101));
        // A shorter one is the last.
        queue.push(to, &[0; 60]);
        assert!(!queue.takes(to, 60) && !queue.takes(to, 100));
    }

    #[test]
    fn no_more_leave_together_than_the_kernel_takes() {
        for (len, most) in [(90, SEGMENTS), (9000, SEGMENTED_MAX / 9000), (DATA_MAX, 1)] {
            let to = Ipv6Addr::LOCALHOST;
            let mut queue = Queue { octets: Vec::new(), to, frame: 0, count: 0 };
            while queue.takes(to, len) {
                queue.push(to, &vec![0; len]);
            }
            assert_eq!(queue.count, most, "{len}");
        }
    }
}
