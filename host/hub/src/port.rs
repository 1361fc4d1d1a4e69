//! A radio's end of the link: QEMU's stream socket, or a TAP interface. Nothing here waits.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use crate::link::Taken;

/// The longest Ethernet frame that is carried, in octets.
pub const FRAME_MAX: usize = 65_535;
/// How many octets a stream's peer may leave untaken before it counts as full.
const UNTAKEN: usize = 1 << 20;
/// Frames that are read from one port before the others have their turn.
const TURN: usize = 64;

/// One end of the link.
pub enum Port {
    /// A TAP interface (Linux tuntap): a frame is a read or write.
    Tap(File),
    /// A Unix socket at which QEMU's `-netdev stream` connects: each frame behind its length,
    /// 32 bits, big-endian.
    Stream {
        /// Where QEMU connects.
        listener: UnixListener,
        /// The QEMU that has.
        peer: Option<Peer>,
    },
}

/// A QEMU that is connected.
pub struct Peer {
    socket: UnixStream,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Port {
    /// Attaches to a TAP interface of this name, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// There is no tuntap driver, or no right to it.
    pub fn tap(name: &str) -> io::Result<Self> {
        const O_NONBLOCK: i32 = 0o4000;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(O_NONBLOCK)
            .open("/dev/net/tun")?;
        crate::tap::attach(&file, name)?;
        Ok(Self::Tap(file))
    }

    /// Listens for QEMU at a path.
    ///
    /// # Errors
    ///
    /// The path cannot be bound.
    pub fn stream(path: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self::Stream { listener, peer: None })
    }

    /// What to wait on until there is something to do here.
    pub fn waits_on(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tap(file) => file.as_fd(),
            Self::Stream { peer: Some(peer), .. } => peer.socket.as_fd(),
            Self::Stream { listener, peer: None } => listener.as_fd(),
        }
    }

    /// Whether it waits to hand out octets that were not taken.
    #[must_use]
    pub fn has_untaken(&self) -> bool {
        matches!(self, Self::Stream { peer: Some(peer), .. } if !peer.outbox.is_empty())
    }

    /// Takes what there is from the radio, some frames at most.
    ///
    /// # Errors
    ///
    /// The interface is gone. A QEMU that ends is none: the next one may connect.
    pub fn read(&mut self, mut heard: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Tap(file) => {
                let mut frame = vec![0; FRAME_MAX];
                for _ in 0..TURN {
                    match file.read(&mut frame) {
                        Ok(length) => heard(frame.get(..length).unwrap_or_default()),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Self::Stream { listener, peer } => {
                match peer {
                    None => match listener.accept() {
                        Ok((socket, _)) => {
                            socket.set_nonblocking(true)?;
                            *peer = Some(Peer { socket, inbox: Vec::new(), outbox: Vec::new() });
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    },
                    Some(open) => {
                        if open.read(heard).is_err() {
                            *peer = None;
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// Hands the radio a frame.
    pub fn write(&mut self, frame: &[u8]) -> Taken {
        match self {
            Self::Tap(file) => match file.write(frame) {
                Ok(_) => Taken::Delivered,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Taken::Full,
                // The interface is down (EIO), or gone.
                Err(_) => Taken::Absent,
            },
            Self::Stream { peer, .. } => {
                let Some(open) = peer else { return Taken::Absent };
                let taken = open.write(frame);
                if taken == Taken::Absent {
                    *peer = None;
                }
                taken
            }
        }
    }

    /// Hands out what was not taken before.
    pub fn flush(&mut self) {
        if let Self::Stream { peer, .. } = self
            && peer.as_mut().is_some_and(|open| open.flush().is_err())
        {
            *peer = None;
        }
    }
}

impl Peer {
    /// An error ends it.
    fn read(&mut self, mut heard: impl FnMut(&[u8])) -> io::Result<()> {
        let mut chunk = [0; 65_536];
        match self.socket.read(&mut chunk) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => self.inbox.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut rest = self.inbox.as_slice();
        while let Some((head, behind)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes(*head) as usize;
            if length > FRAME_MAX {
                return Err(ErrorKind::InvalidData.into());
            }
            let Some((frame, next)) = behind.split_at_checked(length) else { break };
            heard(frame);
            rest = next;
        }
        let done = self.inbox.len().saturating_sub(rest.len());
        self.inbox.drain(..done);
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> Taken {
        if self.outbox.len() >= UNTAKEN {
            return Taken::Full;
        }
        self.outbox.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        self.outbox.extend_from_slice(frame);
        if self.flush().is_err() { Taken::Absent } else { Taken::Delivered }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.socket.write(&self.outbox) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => drop(self.outbox.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(frame: &[u8]) -> Vec<u8> {
        [&(frame.len() as u32).to_be_bytes(), frame].concat()
    }

    fn heard(port: &mut Port) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        port.read(|frame| frames.push(frame.to_vec())).unwrap();
        frames
    }

    /// A port and QEMU's end of it.
    fn connected(name: &str) -> (Port, UnixStream) {
        let path = std::env::temp_dir().join(format!("hub-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut port = Port::stream(&path).unwrap();
        let qemu = UnixStream::connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(heard(&mut port).is_empty());
        (port, qemu)
    }

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let (mut port, mut qemu) = connected("cut");
        let octets = [framed(b"one"), framed(b""), framed(&[7; 1500])].concat();
        let mut frames = Vec::new();
        for part in octets.chunks(5) {
            qemu.write_all(part).unwrap();
            frames.extend(heard(&mut port));
        }
        assert_eq!(frames, [b"one".to_vec(), Vec::new(), vec![7; 1500]]);
    }

    #[test]
    fn a_length_that_no_frame_has_ends_the_connection() {
        let (mut port, mut qemu) = connected("length");
        qemu.write_all(&u32::MAX.to_be_bytes()).unwrap();
        assert!(heard(&mut port).is_empty());
        assert_eq!(port.write(b"x"), Taken::Absent);
    }

    #[test]
    fn who_does_not_take_is_full_and_loses_no_half_frame() {
        let (mut port, mut qemu) = connected("full");
        let frame = [9; 1500];
        let taken = (0..10_000).take_while(|_| port.write(&frame) == Taken::Delivered).count();
        assert!(taken > 500, "{taken}");
        assert_eq!(port.write(&frame), Taken::Full);
        assert!(port.has_untaken());
        let mut got = vec![0; taken * framed(&frame).len()];
        let mut at = 0;
        while at < got.len() {
            port.flush();
            at += qemu.read(&mut got[at..]).unwrap();
        }
        assert!(got.chunks(1504).all(|one| one == framed(&frame)));
        assert_eq!(port.write(&frame), Taken::Delivered);
    }

    #[test]
    fn after_one_qemu_another_may_come() {
        let (mut port, qemu) = connected("again");
        drop(qemu);
        assert!(heard(&mut port).is_empty());
        assert_eq!(port.write(b"x"), Taken::Absent);
        assert!(matches!(port, Port::Stream { peer: None, .. }));
    }
}
