//! The protocol between `qemu-env/ue` and this agent, byte by byte. The host's half is in
//! `qemu-env/lib/qemu_env/channel.py`; change both together.
//!
//! A port is a byte stream. What a died session left in it may come first, so a session begins with a token that no
//! stale byte can hold:
//!
//! ```text
//! frame   kind u8, length u32 little endian (at most MAX_PAYLOAD), payload
//! hello   host sends MAGIC and 16 random bytes, the agent sends the same frame back. The host skips all bytes before
//!         that answer; the agent ends what ran before. When no answer comes (the agent was in the middle of a stale
//!         frame), the host hangs up for a moment and tries again: the agent forgets everything at a hang-up.
//! exec    host: the words of the command, each ended by a zero byte
//! input   host: bytes for standard input, never more than 256 KiB that are not acknowledged: they wait in memory
//!         here, so that the port is always read
//! close   host: end of standard input
//! ack     agent: u32, so many bytes of input went to the command (or were dropped, when it reads no more)
//! output, error   agent: what the command wrote
//! exit    agent: u8, the last frame: exit status, or 128 + n for death by signal n
//! ```
//!
//! Before each of its waits for a host the agent writes one zero byte. A host that finds it between two frames knows
//! that the agent was started anew and its command is lost.
//!
//! A host that hangs up before `exit` kills the command and its process group.

use std::fs::File;
use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

const MAGIC: &[u8; 8] = b"ue-agent";
const HEADER: usize = 5;
const HELLO_LENGTH: usize = MAGIC.len() + 16;

/// The kernel takes at most 32 KiB in one write to a port.
pub(crate) const MAX_PAYLOAD: usize = 32 * 1024 - HEADER;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hello,
    Exec,
    Input,
    Close,
    Ack,
    Output,
    Error,
    Exit,
}

const KINDS: [(u8, Kind); 8] = [
    (b'H', Kind::Hello),
    (b'C', Kind::Exec),
    (b'I', Kind::Input),
    (b'Z', Kind::Close),
    (b'A', Kind::Ack),
    (b'O', Kind::Output),
    (b'E', Kind::Error),
    (b'X', Kind::Exit),
];

/// What the port holds next.
pub(crate) enum Next {
    Frame(Kind, Vec<u8>),
    /// Not a frame: the rest of what a host sent before it died.
    Garbage,
    /// No host is connected.
    HangUp,
}

pub(crate) fn read(port: &mut File) -> io::Result<Next> {
    let mut header = [0; HEADER];
    if !fill(port, &mut header)? {
        return Ok(Next::HangUp);
    }
    let [kind, length @ ..] = header;
    let length = u32::from_le_bytes(length) as usize;
    let Some(&(_, kind)) = KINDS.iter().find(|(byte, _)| *byte == kind) else {
        return Ok(Next::Garbage);
    };
    if length > MAX_PAYLOAD {
        return Ok(Next::Garbage);
    }
    let mut payload = vec![0; length];
    if !fill(port, &mut payload)? {
        return Ok(Next::HangUp);
    }
    if kind == Kind::Hello && (length != HELLO_LENGTH || !payload.starts_with(MAGIC)) {
        return Ok(Next::Garbage);
    }
    Ok(Next::Frame(kind, payload))
}

/// The kernel tells of a hang-up apart from the data and, under load, so late that the next host's data has been read
/// before. A hang-up is one if it lasts so long; a shorter one that is missed does no harm, since each host greets.
const LASTING: Duration = Duration::from_millis(30);

/// Like `read_exact`, but a hang-up is no error. An empty buffer is full at once.
fn fill(port: &mut File, mut buffer: &mut [u8]) -> io::Result<bool> {
    let mut hung_up = false;
    while !buffer.is_empty() {
        match port.read(buffer) {
            Ok(0) if hung_up => return Ok(false),
            Ok(0) => {
                hung_up = true;
                thread::sleep(LASTING);
            }
            Ok(count) => {
                hung_up = false;
                buffer = buffer.get_mut(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Reads and forgets until the host hangs up: what follows garbage has no borders.
pub(crate) fn drain(port: &mut File) -> io::Result<()> {
    let mut forgotten = [0; 4096];
    loop {
        match port.read(&mut forgotten) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Blocks until a host is connected: a port refuses bytes before that. The host skips this one.
pub(crate) fn wait_for_host(port: &mut File) -> io::Result<()> {
    port.write_all(&[0])
}

pub(crate) fn write(port: &mut File, kind: Kind, payload: &[u8]) -> io::Result<()> {
    let byte = KINDS.iter().find(|(_, known)| *known == kind).map_or(0, |(byte, _)| *byte);
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.push(byte);
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(payload);
    port.write_all(&frame)
}
