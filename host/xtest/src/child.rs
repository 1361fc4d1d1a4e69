//! Another process that calls the TA, so that it can be killed in the middle
//! of a call: this program itself, started with an option that no usage names.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::line::Line;
use crate::show::{Show, hex};

/// The option; behind it the command's number and the request's octets.
pub(crate) const OPTION: &str = "call";
/// What it says when its sessions are open.
const READY: &str = "ready";
/// What a refusal begins with.
const REFUSED: &str = "refused: ";
/// How long its sessions may take to open.
const PATIENCE: Duration = Duration::from_secs(20);

/// The child's part: a call for each line that it reads, and a line for each
/// answer.
pub(crate) fn serve(number: u32, request: &str) -> io::Result<()> {
    let other = |what: String| io::Error::other(what);
    let digits: Vec<u32> = request.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let request: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
    let line = Line::open().map_err(|refusal| other(refusal.show()))?;
    let mut out = io::stdout();
    writeln!(out, "{READY}")?;
    for wanted in io::stdin().lines() {
        wanted?;
        match line.call(number, &request) {
            Ok(response) => writeln!(out, "{}", hex(&response))?,
            Err(refusal) => writeln!(out, "{REFUSED}{}", refusal.show())?,
        }
    }
    Ok(())
}

/// A child that waits to be told to call. It is killed when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    answers: Receiver<String>,
}

impl Child {
    /// Starts one whose sessions are open when this returns.
    pub(crate) fn start(number: u32, request: &[u8]) -> io::Result<Self> {
        Self::start_within(PATIENCE, number, request)
    }

    /// The same, if they open in this time.
    pub(crate) fn start_within(
        patience: Duration,
        number: u32,
        request: &[u8],
    ) -> io::Result<Self> {
        let mut process = Command::new("/proc/self/exe")
            .args([&format!("--{OPTION}"), &number.to_string(), &hex(request)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, answers) = channel();
        if let Some(out) = process.stdout.take() {
            // It ends with the child, whose death closes the pipe.
            thread::spawn(move || {
                BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
            });
        }
        let child = Self { process, answers };
        match child.line(patience).as_deref() {
            Some(READY) => Ok(child),
            said => Err(io::Error::other(format!("the child said {said:?}"))),
        }
    }

    /// Tells it to call so many times.
    pub(crate) fn call(&mut self, times: usize) -> io::Result<()> {
        let orders = "\n".repeat(times);
        self.process.stdin.as_mut().map_or(Ok(()), |to| to.write_all(orders.as_bytes()))
    }

    /// The next answer in time: the response's octets as digits, or the
    /// refusal as it shows itself.
    pub(crate) fn answer(&self, patience: Duration) -> Option<Result<String, String>> {
        let line = self.line(patience)?;
        Some(match line.strip_prefix(REFUSED) {
            Some(refusal) => Err(refusal.to_owned()),
            None => Ok(line),
        })
    }

    fn line(&self, patience: Duration) -> Option<String> {
        self.answers.recv_timeout(patience).ok()
    }

    /// Kills it; it is gone when its call and its sessions have ended.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
    }

    /// Waits until it is gone.
    pub(crate) fn wait(&mut self) {
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        self.wait();
    }
}
