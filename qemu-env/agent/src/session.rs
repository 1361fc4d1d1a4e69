//! One command: its process, its three streams, its end. Called by the port's loop, which alone reads the port and
//! never blocks on the command; only the writer thread here writes to the port.

use crate::frame::{self, Kind};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A process left in the background may hold the output open; after the command's end so much silence ends the wait.
const QUIET: Duration = Duration::from_millis(200);
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

enum Event {
    Data(Kind, Vec<u8>),
    Acknowledged(usize),
    StreamEnd,
    Exited(u8),
}

pub(crate) struct Session {
    input: Option<Sender<Vec<u8>>>,
    /// The command's process group while it runs.
    group: Arc<Mutex<Option<u32>>>,
    abandoned: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts the command; a command that cannot be started is answered as a shell would.
    pub(crate) fn start(port: &File, words: &[u8]) -> io::Result<Self> {
        let (events, outcome) = sync_channel(4);
        let abandoned = Arc::new(AtomicBool::new(false));
        let group = Arc::new(Mutex::new(None));
        let writer = {
            let (mut port, abandoned) = (port.try_clone()?, Arc::clone(&abandoned));
            thread::spawn(move || write_events(&mut port, &outcome, &abandoned))
        };
        let mut session = Self { input: None, group, abandoned, writer: Some(writer) };
        match spawn(words) {
            Ok(child) => session.follow(child, events),
            Err((status, text)) => thread::spawn(move || {
                // The receiver is gone only if the host is: nobody to tell.
                let _ = events.send(Event::Data(Kind::Error, text.into_bytes()));
                let _ = events.send(Event::StreamEnd);
                let _ = events.send(Event::StreamEnd);
                let _ = events.send(Event::Exited(status));
            }),
        };
        Ok(session)
    }

    fn follow(&mut self, mut child: Child, events: SyncSender<Event>) -> JoinHandle<()> {
        let (input, chunks) = channel();
        self.input = Some(input);
        *lock(&self.group) = Some(child.id());
        if let Some(stdin) = child.stdin.take() {
            let events = events.clone();
            thread::spawn(move || feed(stdin, &chunks, &events));
        }
        if let Some(stdout) = child.stdout.take() {
            let events = events.clone();
            thread::spawn(move || pump(stdout, Kind::Output, &events));
        }
        if let Some(stderr) = child.stderr.take() {
            let events = events.clone();
            thread::spawn(move || pump(stderr, Kind::Error, &events));
        }
        let group = Arc::clone(&self.group);
        thread::spawn(move || {
            let status = child.wait().map_or(NOT_FOUND, status_byte);
            *lock(&group) = None;
            let _ = events.send(Event::Exited(status));
        })
    }

    pub(crate) fn input(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            // The feeder lives as long as this end; it acknowledges also what nobody reads.
            let _ = input.send(bytes);
        }
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }
}

/// The host is gone, or wants another command: whatever still runs is killed, nothing more is written.
impl Drop for Session {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.input = None;
        if let Some(group) = *lock(&self.group) {
            kill_group(group);
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn spawn(words: &[u8]) -> Result<Child, (u8, String)> {
    let mut words = words
        .strip_suffix(b"\0")
        .unwrap_or(words)
        .split(|byte| *byte == 0)
        .map(|word| std::ffi::OsString::from_vec(word.to_vec()));
    let program = words.next().unwrap_or_default();
    Command::new(&program)
        .args(words)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let status = match error.kind() {
                io::ErrorKind::NotFound => NOT_FOUND,
                _ => NOT_EXECUTABLE,
            };
            let text = format!("ue-agent: {}: {error}\n", program.display());
            (status, text)
        })
}

/// Without unsafe code there is no call that signals a group; the program does.
fn kill_group(group: u32) {
    let killed =
        Command::new("kill").args(["-KILL", &format!("-{group}")]).stdin(Stdio::null()).status();
    if let Err(error) = killed {
        eprintln!("ue-agent: kill: {error}");
    }
}

fn status_byte(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}

fn feed(mut stdin: ChildStdin, chunks: &Receiver<Vec<u8>>, events: &SyncSender<Event>) {
    let mut reads = true;
    for chunk in chunks {
        reads = reads && stdin.write_all(&chunk).is_ok();
        if events.send(Event::Acknowledged(chunk.len())).is_err() {
            return;
        }
    }
}

fn pump(mut stream: impl Read, kind: Kind, events: &SyncSender<Event>) {
    let mut buffer = vec![0; frame::MAX_PAYLOAD];
    loop {
        let event = match stream.read(&mut buffer) {
            Ok(0) => Event::StreamEnd,
            Ok(count) => Event::Data(kind, buffer.get(..count).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => Event::StreamEnd,
        };
        let last = matches!(event, Event::StreamEnd);
        if events.send(event).is_err() || last {
            return;
        }
    }
}

/// Ends after the command's exit, when both streams ended or nothing came for a while.
fn write_events(port: &mut File, events: &Receiver<Event>, abandoned: &AtomicBool) {
    let mut open_streams = 2;
    let mut exited = None;
    loop {
        if let Some(status) = exited
            && (open_streams == 0 || abandoned.load(Ordering::Relaxed))
        {
            send(port, Kind::Exit, &[status], abandoned);
            return;
        }
        let event = match exited {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => events.recv_timeout(QUIET),
        };
        match event {
            Ok(Event::Data(kind, bytes)) => send(port, kind, &bytes, abandoned),
            Ok(Event::Acknowledged(count)) => {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                send(port, Kind::Ack, &count.to_le_bytes(), abandoned);
            }
            Ok(Event::StreamEnd) => open_streams -= 1,
            Ok(Event::Exited(status)) => exited = Some(status),
            Err(_) if exited.is_none() => return,
            Err(_) => open_streams = 0,
        }
    }
}

fn send(port: &mut File, kind: Kind, payload: &[u8], abandoned: &AtomicBool) {
    if abandoned.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = frame::write(port, kind, payload) {
        // The port itself failed; its loop meets the same error and ends.
        eprintln!("ue-agent: {error}");
        abandoned.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
