//! The loop: waits for radios, time and orders, and moves what there is.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::count;
use crate::fault::Faults;
use crate::link::{Arrival, Link};
use crate::order::Order;
use crate::pcap::Capture;
use crate::port::Port;

/// A hub that is ready to run.
pub struct Hub {
    /// Names and ends of the ports.
    pub ports: Vec<(String, Port)>,
    /// What decides the faults.
    pub seed: u64,
    /// How bad the link is at first.
    pub faults: Faults,
    /// Where what radios send is written down; on the disk whenever an order is answered.
    pub capture: Option<Capture<BufWriter<File>>>,
}

/// Runs until `orders` ends: each line of it is an [`Order`], and has one line of JSON in `answers`. The last line is
/// the counts.
///
/// # Errors
///
/// A port, the capture, or `answers` fails.
pub fn run(hub: Hub, mut orders: impl Read + AsFd, mut answers: impl Write) -> io::Result<()> {
    let Hub { mut ports, seed, faults, mut capture } = hub;
    let mut link = Link::new(seed, ports.len(), faults);
    let (start, mut told) = (Instant::now(), Vec::new());
    loop {
        let (is_told, ready) =
            wait(&ports, &orders, link.next().map(|at| at.saturating_sub(start.elapsed())))?;
        for (number, (_, port)) in ports.iter_mut().enumerate() {
            port.flush();
            if ready.contains(&number) {
                let (now, seen) = (start.elapsed(), SystemTime::now());
                let mut written = Ok(());
                port.read(|frame| {
                    link.offer(now, number, frame);
                    if let (Some(capture), Ok(())) = (&mut capture, &written) {
                        written = capture.frame(seen, frame);
                    }
                })?;
                written?;
            }
        }
        while let Some(Arrival { port: number, frame }) = link.arrived(start.elapsed()) {
            if let Some((_, port)) = ports.get_mut(number) {
                link.taken(number, port.write(&frame));
            }
        }
        if is_told && !listen(&mut orders, &mut told)? {
            break;
        }
        while let Some(at) = told.iter().position(|&octet| octet == b'\n') {
            let line: Vec<u8> = told.drain(..=at).collect();
            if let Some(capture) = &mut capture {
                capture.flush()?;
            }
            let answer = obey(&String::from_utf8_lossy(&line), &mut link, &ports);
            writeln!(answers, "{answer}")?;
            answers.flush()?;
        }
    }
    if let Some(mut capture) = capture {
        capture.flush()?;
    }
    writeln!(answers, "{}", counts(&link, &ports))?;
    answers.flush()
}

/// Waits for something to do: whether there are orders, and which ports are ready.
fn wait(
    ports: &[(String, Port)],
    orders: &impl AsFd,
    limit: Option<Duration>,
) -> io::Result<(bool, Vec<usize>)> {
    let mut polled: Vec<_> = ports
        .iter()
        .map(|(_, port)| {
            let writes = if port.has_untaken() { PollFlags::OUT } else { PollFlags::empty() };
            PollFd::from_borrowed_fd(port.waits_on(), PollFlags::IN | writes)
        })
        .collect();
    polled.push(PollFd::new(orders, PollFlags::IN));
    let limit = limit.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
    match poll(&mut polled, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
    let is_told = polled.pop().is_some_and(|orders| is_ready(&orders));
    let ready =
        polled.iter().enumerate().filter(|(_, port)| is_ready(port)).map(|(number, _)| number);
    Ok((is_told, ready.collect()))
}

/// Takes what has been told; false at the end of it.
fn listen(orders: &mut impl Read, told: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 4096];
    let length = orders.read(&mut chunk)?;
    told.extend_from_slice(chunk.get(..length).unwrap_or_default());
    Ok(length > 0)
}

fn obey(line: &str, link: &mut Link, ports: &[(String, Port)]) -> serde_json::Value {
    let done = serde_json::json!({ "ok": true });
    match Order::parse(line, link.faults) {
        Ok(Order::Faults(faults)) => {
            link.faults = faults;
            done
        }
        Ok(Order::Port { name, is_up }) => match ports.iter().position(|(known, _)| *known == name)
        {
            Some(number) => {
                link.set_up(number, is_up);
                done
            }
            None => serde_json::json!({ "ok": false, "message": format!("no port {name}") }),
        },
        Ok(Order::Count) => counts(link, ports),
        Err(error) => serde_json::json!({ "ok": false, "message": error.to_string() }),
    }
}

fn counts(link: &Link, ports: &[(String, Port)]) -> serde_json::Value {
    let ports = ports.iter().map(|(name, _)| name.as_str());
    serde_json::json!({ "ok": true, "ports": count::to_json(ports.zip(link.counts())) })
}
