//! UDP as fast as a way carries it, for tests/benchmark/tun.py: the receiver writes into a
//! file how many packets have come, and the sender never has more than a window of them
//! under way. So neither outruns the other, and what is measured is what lies between.
//!
//! `udpload receive ADDRESS:PORT FILE` until it is killed;
//! `udpload send ADDRESS:PORT OCTETS SECONDS FILE` prints what became of it as JSON.

use std::fs::File;
use std::io;
use std::net::UdpSocket;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// Packets under way at most: fewer than a socket of usual size (212,992 octets) has room for.
const WINDOW: u64 = 64;
/// Packets after which the count is written.
const STEP: u64 = 16;
/// Without any packet for so long the last ones were lost: longer than a busy machine lets a
/// program wait.
const LOST: Duration = Duration::from_millis(300);

fn main() -> io::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["receive", address, file] => receive(address, file),
        ["send", address, octets, seconds, file] => {
            let seconds = Duration::from_secs(seconds.parse().map_err(io::Error::other)?);
            send(address, octets.parse().map_err(io::Error::other)?, seconds, file)
        }
        _ => Err(io::Error::other("usage: see the source")),
    }
}

fn receive(address: &str, file: &str) -> io::Result<()> {
    let (socket, file) = (UdpSocket::bind(address)?, File::create(file)?);
    // Room for more than a window: nothing is lost for want of it.
    rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 1 << 22)?;
    socket.set_read_timeout(Some(Duration::from_millis(1)))?;
    let (mut count, mut written, mut buffer) = (0_u64, u64::MAX, [0; 2048]);
    loop {
        let came = socket.recv(&mut buffer).is_ok();
        count += u64::from(came);
        // Also what is no whole step, when nothing follows it.
        if count != written && (!came || count.is_multiple_of(STEP)) {
            file.write_all_at(&count.to_be_bytes(), 0)?;
            written = count;
        }
    }
}

fn send(address: &str, octets: usize, limit: Duration, file: &str) -> io::Result<()> {
    let (socket, file) = (UdpSocket::bind("0.0.0.0:0")?, File::open(file)?);
    socket.connect(address)?;
    let received = || {
        let mut octets = [0; 8];
        file.read_exact_at(&mut octets, 0).map(|()| u64::from_be_bytes(octets))
    };
    let payload = vec![0; octets];
    let (start, first) = (Instant::now(), received()?);
    let (mut sent, mut lost, mut came, mut last) = (0_u64, 0_u64, 0, start);
    while start.elapsed() < limit {
        let now = received()? - first;
        if now != came {
            (came, last) = (now, Instant::now());
        }
        if sent - lost - came.min(sent - lost) < WINDOW {
            for _ in 0..STEP {
                socket.send(&payload)?;
            }
            sent += STEP;
        } else if last.elapsed() > LOST {
            (lost, last) = (sent - came, Instant::now());
        } else {
            std::thread::sleep(Duration::from_micros(20));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_millis(200));
    let came = received()? - first;
    println!("{{\"sent\":{sent},\"received\":{came},\"seconds\":{seconds:.6}}}");
    Ok(())
}
