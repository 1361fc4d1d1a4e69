//! The ad-hoc link: UDP over IPv6 multicast, one socket for all groups.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use proseal_proto::id::GroupId;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, netdevice, socket_with, sockopt};

use super::config::Config;

/// Room for bursts while the loop does something else.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The socket, and the groups whose addresses it has joined.
pub(crate) struct Link {
    socket: UdpSocket,
    interface: u32,
    port: u16,
    joined: Vec<(GroupId, Ipv6Addr)>,
    /// Frames that the kernel did not take.
    pub(crate) send_failed: u64,
    /// Frames that were sent.
    pub(crate) sent: u64,
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
            send_failed: 0,
            sent: 0,
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

    /// Sends a frame to its group. What the kernel does not take is lost, and counted.
    pub(crate) fn send(&mut self, group: GroupId, frame: &[u8]) {
        let Some((_, address)) = self.joined.iter().find(|(joined, _)| *joined == group) else {
            self.send_failed += 1;
            return;
        };
        let to = SocketAddrV6::new(*address, self.port, 0, self.interface);
        match self.socket.send_to(frame, to) {
            Ok(_) => self.sent += 1,
            Err(_) => self.send_failed += 1,
        }
    }

    /// The next frame that came in; `None` if there is none.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match self.socket.recv(buffer) {
                Ok(len) => return Some(len),
                // Of an earlier send: the frames behind it are not lost.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
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
