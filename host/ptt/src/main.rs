//! `prose-ptt`: stands in for a push-to-talk program in tests. It speaks and hears IPv6 multicast on
//! an interface, and knows nothing of what protects it there.
#![forbid(unsafe_code)]

mod channel;
mod packet;

use std::io::{self, Read, Write};
use std::net::Ipv6Addr;
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
    /// How many packets
    #[arg(long, value_name = "N", default_value_t = 500)]
    packets: u32,
    /// Their length in octets, 17 at least
    #[arg(long, value_name = "N", default_value_t = 60)]
    octets: usize,
    /// Milliseconds from one to the next
    #[arg(long, value_name = "MS", default_value_t = 20)]
    interval: u64,
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
    }
}

fn talk(mut channel: Channel, speech: &Speech, stream: u32) -> Result<(), Failure> {
    let (start, mut sent) = (Instant::now(), 0_u32);
    for number in 0..speech.packets {
        let due = start + Duration::from_millis(speech.interval * u64::from(number));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let packet = Packet { stream, number, sent_us: now_us(), kind: Kind::Voice };
        // Speech that nobody takes is over; the next word may be taken.
        if channel.say(&packet.to_octets(speech.octets)).is_ok() {
            sent += 1;
        }
    }
    let said = serde_json::json!({
        "stream": stream, "sent": sent, "refused": speech.packets - sent,
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
    let (start, mut room, mut out) = (Instant::now(), vec![0; ROOM], io::stdout().lock());
    for number in 0..speech.packets {
        let due = start + Duration::from_millis(speech.interval * u64::from(number));
        thread::sleep(due.saturating_duration_since(Instant::now()));
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
