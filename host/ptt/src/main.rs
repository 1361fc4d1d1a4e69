//! `prose-ptt`: stands in for a push-to-talk program in tests. It speaks and hears IPv6 multicast on
//! an interface, and knows nothing of what protects it there.
#![forbid(unsafe_code)]

mod channel;
mod packet;

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read, Write};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use channel::Channel;
use clap::{Args, Parser, Subcommand};
use packet::{Kind, Packet};

/// The longest UDP payload.
const ROOM: usize = 65_536;
/// How long an answer may take before its question counts as lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// A push-to-talk stand-in: packets of a fixed length at a fixed rate, to a multicast group
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Line {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Speak; a line of JSON at the end says how many packets the system took
    Talk {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        speech: Speech,
        /// Who speaks: a number that listeners tell streams apart by
        #[arg(long, value_name = "N", default_value_t = 1)]
        stream: u32,
    },
    /// Hear until standard input ends; for each packet a line: time of arrival (microseconds since
    /// 1970), stream, number
    Listen {
        #[command(flatten)]
        place: Place,
    },
    /// Ask, and wait for the answer of one that answers; a line for each: microseconds, or `lost`
    Ask {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        speech: Speech,
    },
    /// Answer questions until standard input ends
    Answer {
        #[command(flatten)]
        place: Place,
    },
    /// Say the datagrams of a file, again and again; a line of JSON at the end as for `talk`
    Repeat {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        pace: Pace,
        /// The file: each datagram behind its length (4 octets, big-endian)
        file: PathBuf,
    },
}

#[derive(Args)]
struct Place {
    /// The network interface
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// The multicast group
    #[arg(long, value_name = "ADDRESS", default_value = "ff12::5074")]
    group: Ipv6Addr,
    /// The UDP port
    #[arg(long, value_name = "N", default_value_t = 5004)]
    port: u16,
}

#[derive(Args)]
struct Speech {
    #[command(flatten)]
    pace: Pace,
    /// The packets' length in octets, 17 at least
    #[arg(long, value_name = "N", default_value_t = 60)]
    octets: usize,
}

#[derive(Args)]
struct Pace {
    /// How many packets
    #[arg(long, value_name = "N", default_value_t = 500)]
    packets: u32,
    /// Milliseconds from one to the next
    #[arg(long, value_name = "MS", default_value_t = 20)]
    interval: u64,
}

impl Pace {
    /// The packets' numbers, each when its time has come.
    fn numbers(&self) -> impl Iterator<Item = u32> {
        let (start, interval) = (Instant::now(), self.interval);
        (0..self.packets).inspect(move |number| {
            let due = start + Duration::from_millis(interval * u64::from(*number));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        })
    }
}

fn main() -> ExitCode {
    match run(Line::parse().what) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prose-ptt: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("interface {0}: {1}")]
    Channel(String, io::Error),
    #[error("{0}: not datagrams, each behind its length")]
    File(PathBuf),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Place {
    fn join(&self) -> Result<Channel, Failure> {
        self.opened(Channel::join(&self.interface, self.group, self.port))
    }

    fn to_speak(&self) -> Result<Channel, Failure> {
        self.opened(Channel::to_speak(&self.interface, self.group, self.port))
    }

    fn opened(&self, channel: io::Result<Channel>) -> Result<Channel, Failure> {
        channel.map_err(|error| Failure::Channel(self.interface.clone(), error))
    }
}

fn run(what: What) -> Result<(), Failure> {
    match what {
        What::Talk { place, speech, stream } => talk(place.to_speak()?, &speech, stream),
        What::Listen { place } => listen(place.join()?),
        What::Ask { place, speech } => ask(place.join()?, &speech),
        What::Answer { place } => answer(place.join()?),
        What::Repeat { place, pace, file } => repeat(place.to_speak()?, &pace, &file),
    }
}

fn talk(mut channel: Channel, speech: &Speech, stream: u32) -> Result<(), Failure> {
    say_all(&mut channel, &speech.pace, stream, |number| {
        let packet = Packet { stream, number, sent_us: now_us(), kind: Kind::Voice };
        Cow::Owned(packet.to_octets(speech.octets))
    })
}

fn repeat(mut channel: Channel, pace: &Pace, file: &Path) -> Result<(), Failure> {
    let octets = fs::read(file)?;
    let datagrams = datagrams(&octets).filter(|datagrams| !datagrams.is_empty());
    let datagrams = datagrams.ok_or_else(|| Failure::File(file.to_owned()))?;
    let mut again = datagrams.iter().cycle();
    say_all(&mut channel, pace, 0, |_| Cow::Borrowed(again.next().copied().unwrap_or_default()))
}

/// The datagrams of a file; none if the last one is not whole.
fn datagrams(mut octets: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !octets.is_empty() {
        let (length, rest) = octets.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (datagram, rest) = rest.split_at_checked(length)?;
        found.push(datagram);
        octets = rest;
    }
    Some(found)
}

fn say_all<'d>(
    channel: &mut Channel,
    pace: &Pace,
    stream: u32,
    mut datagram: impl FnMut(u32) -> Cow<'d, [u8]>,
) -> Result<(), Failure> {
    let start = Instant::now();
    // What nobody takes is over; the next word may be taken.
    let sent = pace.numbers().filter(|number| channel.say(&datagram(*number)).is_ok()).count();
    let said = serde_json::json!({
        "stream": stream, "sent": sent, "refused": pace.packets as usize - sent,
        "ms": start.elapsed().as_millis() as u64,
    });
    writeln!(io::stdout(), "{said}")?;
    Ok(())
}

fn listen(mut channel: Channel) -> Result<(), Failure> {
    let is_over = end_of_input();
    let (mut room, mut out) = (vec![0; ROOM], io::stdout().lock());
    writeln!(out, "ready")?;
    while !is_over.load(Ordering::Relaxed) {
        let Some(length) = channel.hear(&mut room)? else {
            out.flush()?;
            continue;
        };
        let heard = room.get(..length).and_then(Packet::from_octets);
        match heard {
            Some(packet) if packet.kind == Kind::Voice => {
                writeln!(out, "{} {} {}", now_us(), packet.stream, packet.number)?;
            }
            Some(_) => {}
            None => writeln!(out, "strange {length}")?,
        }
    }
    out.flush()?;
    Ok(())
}

fn ask(mut channel: Channel, speech: &Speech) -> Result<(), Failure> {
    let (mut room, mut out) = (vec![0; ROOM], io::stdout().lock());
    for number in speech.pace.numbers() {
        let packet = Packet { stream: 0, number, sent_us: now_us(), kind: Kind::Question };
        let asked = Instant::now();
        channel.say(&packet.to_octets(speech.octets))?;
        let wanted = Packet { kind: Kind::Answer, ..packet };
        let mut took = None;
        while took.is_none() && asked.elapsed() < PATIENCE {
            let length = channel.hear(&mut room)?;
            let heard = length.and_then(|length| Packet::from_octets(room.get(..length)?));
            took = (heard == Some(wanted)).then(|| asked.elapsed());
        }
        match took {
            Some(took) => writeln!(out, "{}", took.as_micros())?,
            None => writeln!(out, "lost")?,
        }
    }
    Ok(())
}

fn answer(mut channel: Channel) -> Result<(), Failure> {
    let (is_over, mut room) = (end_of_input(), vec![0; ROOM]);
    writeln!(io::stdout(), "ready")?;
    while !is_over.load(Ordering::Relaxed) {
        let Some(length) = channel.hear(&mut room)? else { continue };
        if let Some(packet) = room.get(..length).and_then(Packet::from_octets)
            && packet.kind == Kind::Question
        {
            // One that is not taken is lost to who asks.
            let _ = channel.say(&Packet { kind: Kind::Answer, ..packet }.to_octets(length));
        }
    }
    Ok(())
}

/// Becomes true when standard input ends.
fn end_of_input() -> Arc<AtomicBool> {
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
        told.store(true, Ordering::Relaxed);
    });
    over
}

/// Microseconds since 1970.
fn now_us() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_stand_behind_their_lengths() {
        assert_eq!(datagrams(&[0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9]), Some(vec![&[7, 8][..], &[9]]));
        assert_eq!(datagrams(&[]), Some(vec![]));
        for cut in [&[0, 0, 0][..], &[0, 0, 0, 2, 7], &[255, 255, 255, 255, 1]] {
            assert_eq!(datagrams(cut), None, "{cut:?}");
        }
    }
}
