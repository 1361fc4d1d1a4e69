//! A multicast group on one network interface, which may go and come back.

use std::fs;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

/// How often a listener looks whether the interface is another one.
const LOOK: Duration = Duration::from_millis(200);

/// A socket of a group.
pub(crate) struct Channel {
    socket: UdpSocket,
    interface: String,
    group: Ipv6Addr,
    port: u16,
    index: u32,
    looked: Instant,
}

impl Channel {
    /// To speak and hear there.
    ///
    /// # Errors
    ///
    /// There is no such interface, or it has no multicast, or the port is taken.
    pub(crate) fn join(interface: &str, group: Ipv6Addr, port: u16) -> io::Result<Self> {
        let channel = Self::speak(interface, group, port, port)?;
        channel.socket.join_multicast_v6(&channel.group, channel.index)?;
        Ok(channel)
    }

    /// To speak only: other programs here may hear at the port.
    ///
    /// # Errors
    ///
    /// There is no such interface.
    pub(crate) fn to_speak(interface: &str, group: Ipv6Addr, port: u16) -> io::Result<Self> {
        Self::speak(interface, group, port, 0)
    }

    fn speak(interface: &str, group: Ipv6Addr, port: u16, own_port: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, own_port))?;
        socket.set_multicast_loop_v6(false)?;
        socket.set_read_timeout(Some(LOOK))?;
        let index = index_of(interface)?;
        let looked = Instant::now();
        Ok(Self { socket, interface: interface.to_owned(), group, port, index, looked })
    }

    /// Says it; the interface may be another one than before.
    ///
    /// # Errors
    ///
    /// The system does not take it, mostly because the interface is gone.
    pub(crate) fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.send(octets).is_ok() {
            return Ok(());
        }
        self.index = index_of(&self.interface)?;
        self.send(octets)
    }

    fn send(&self, octets: &[u8]) -> io::Result<()> {
        let to = SocketAddrV6::new(self.group, self.port, 0, self.index);
        self.socket.send_to(octets, to).map(drop)
    }

    /// What is heard within a fifth of a second: its length in `room`.
    ///
    /// # Errors
    ///
    /// The socket is broken.
    pub(crate) fn hear(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        if self.looked.elapsed() > LOOK {
            self.looked = Instant::now();
            self.join_again();
        }
        match self.socket.recv(room) {
            Ok(length) => Ok(Some(length)),
            Err(error) if is_patience(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where the interface is a new one of the old name. One that is gone is waited for.
    fn join_again(&mut self) {
        if let Ok(index) = index_of(&self.interface)
            && index != self.index
            && self.socket.join_multicast_v6(&self.group, index).is_ok()
        {
            self.index = index;
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

fn index_of(interface: &str) -> io::Result<u32> {
    let text = fs::read_to_string(format!("/sys/class/net/{interface}/ifindex"))?;
    text.trim().parse().map_err(io::Error::other)
}
