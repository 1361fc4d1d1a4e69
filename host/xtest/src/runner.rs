//! Runs cases one after the other, each in a thread of its own and bounded
//! in time, and gathers what they say.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Case, Failure, Finished, Outcome, Place, Summary};
use crate::check::{Context, Event};
use crate::options::Options;
use crate::report::{Report, placed};
use crate::target::Target;

/// What a case may take at level 0; each level adds as much again. A call to
/// the TEE is bounded by 20 s, so this is a few calls that hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `cases`. After one that does not end in time the TEE cannot be
/// trusted to answer, and what is left behind may still change its state: the
/// rest is skipped.
pub(crate) fn run<W: Write>(
    cases: &[&'static Case],
    target: &Target,
    options: &Options,
    report: &mut Report<W>,
) -> Summary {
    run_within(LIMIT * (options.level + 1), cases, target, options, report)
}

fn run_within<W: Write>(
    limit: Duration,
    cases: &[&'static Case],
    target: &Target,
    options: &Options,
    report: &mut Report<W>,
) -> Summary {
    let mut summary = Summary::default();
    for case in cases {
        if let Some(id) = &summary.aborted {
            let outcome = Outcome::Skipped(format!("the run stopped after {id}"));
            let (texts, time) = (Vec::new(), Duration::ZERO);
            summary.cases.push(Finished { case, outcome, texts, time });
            continue;
        }
        let start = Instant::now();
        let events = start_case(case, target, options);
        let mut gathering = Gathering::start(case, report);
        let in_time = gathering.listen(&events, start + limit);
        if !in_time {
            gathering.failed(Place::default(), format!("no end within {} s", limit.as_secs()));
            summary.aborted = Some(case.id());
        }
        let (finished, checks, failed) = gathering.finish(start.elapsed());
        summary.checks += checks;
        summary.failed_checks += failed;
        summary.cases.push(finished);
    }
    summary
}

fn start_case(case: &'static Case, target: &Target, options: &Options) -> Receiver<Event> {
    let (to, events) = channel();
    let (target, options) = (target.clone(), options.clone());
    // The session is made in the thread that uses it.
    thread::spawn(move || Context::new(case.id(), target, &options, to).run(case));
    events
}

/// A part, or the whole case, while it runs.
struct Open {
    id: String,
    first: Option<Place>,
    failed: bool,
}

/// What one case has said so far.
struct Gathering<'r, W> {
    case: &'static Case,
    report: &'r mut Report<W>,
    /// The whole case first, then the parts within each other.
    open: Vec<Open>,
    failures: Vec<Failure>,
    texts: Vec<String>,
    skipped: Option<String>,
    checks: u64,
    failed_checks: u64,
}

impl<'r, W: Write> Gathering<'r, W> {
    fn start(case: &'static Case, report: &'r mut Report<W>) -> Self {
        report.case_started(&case.id(), case.title);
        Self {
            case,
            report,
            open: vec![Open { id: case.id(), first: None, failed: false }],
            failures: Vec::new(),
            texts: Vec::new(),
            skipped: None,
            checks: 0,
            failed_checks: 0,
        }
    }

    /// Hears the case until it is over; `false` if it is not in time.
    fn listen(&mut self, events: &Receiver<Event>, deadline: Instant) -> bool {
        loop {
            match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                // A thread that ends without a word has panicked outside the
                // case; that is a failure, and over.
                Err(RecvTimeoutError::Disconnected) => {
                    self.failed(Place::default(), String::from("the case ended without a word"));
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Ok(Event::Done) => return true,
                Ok(event) => self.hear(event),
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::PartStarted { id, title } => {
                self.report.part_started(&id, &title);
                self.open.push(Open { id, first: None, failed: false });
            }
            Event::PartEnded => self.close_part(),
            Event::Passed(checks) => self.checks += checks,
            Event::Failed { place, text } => self.failed(place, text),
            Event::Skipped(reason) => {
                self.report.skipped(self.case.number, &reason);
                self.skipped.get_or_insert(reason);
            }
            Event::Note(text) => self.report.note(&text),
            Event::Done => {}
        }
    }

    fn failed(&mut self, place: Place, text: String) {
        self.checks += 1;
        self.failed_checks += 1;
        self.report.failed_check(&place, &text);
        self.texts.push(placed(&place, &text));
        if let Some(innermost) = self.open.last_mut() {
            innermost.failed = true;
            innermost.first.get_or_insert(place);
        }
    }

    /// Ends the innermost part, or the case itself.
    fn close_part(&mut self) {
        let Some(Open { id, first, failed }) = self.open.pop() else { return };
        if self.open.is_empty() && !failed && self.skipped.is_some() {
            self.report.ended(&id, "SKIPPED");
        } else {
            self.report.ended(&id, if failed { "FAILED" } else { "OK" });
        }
        if failed {
            self.failures.push(Failure { id, first });
            if let Some(outer) = self.open.last_mut() {
                outer.failed = true;
            }
        }
    }

    /// The finished case, its checks, and how many of them failed.
    fn finish(mut self, time: Duration) -> (Finished, u64, u64) {
        // A pass must have checked something.
        if self.checks == 0 && self.skipped.is_none() {
            self.failed(Place::default(), String::from("the case made no check"));
        }
        while !self.open.is_empty() {
            self.close_part();
        }
        let outcome = match self.skipped {
            _ if !self.failures.is_empty() => Outcome::Failed(self.failures),
            Some(reason) => Outcome::Skipped(reason),
            None => Outcome::Passed,
        };
        let finished = Finished { case: self.case, outcome, texts: self.texts, time };
        (finished, self.checks, self.failed_checks)
    }
}

#[cfg(all(test, feature = "sim", not(feature = "optee")))]
mod tests;
