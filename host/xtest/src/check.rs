//! What a case has in its hands: the TA, and the checks that it makes. A
//! failed check is counted and printed, and never panics.

use std::cell::RefCell;
use std::panic::{self, Location};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use proseal_client::{Client, Error};
use proseal_proto::error::Code;

use crate::case::{Case, Place, Stop, Verdict};
use crate::options::Options;
use crate::show::{Show, dump};
use crate::target::{Build, Target};

/// What happens while a case runs, in order.
pub(crate) enum Event {
    /// A part of the case starts.
    PartStarted {
        /// Its id, `regression_1004.2`.
        id: String,
        /// The fact that it states.
        title: String,
    },
    /// The part that started last is over.
    PartEnded,
    /// So many checks passed, one after the other: each by itself would wake whoever hears it.
    Passed(u64),
    /// A check failed.
    Failed {
        /// Where it stands.
        place: Place,
        /// What was found and what was expected.
        text: String,
    },
    /// A part, or the whole case, cannot be run here.
    Skipped(String),
    /// A line for whoever reads.
    Note(String),
    /// The case is over.
    Done,
}

/// A running case.
pub(crate) struct Context {
    /// The TA, by a session of this case.
    pub(crate) ta: Client,
    /// The TA, for more sessions and for raw requests.
    pub(crate) target: Target,
    /// 0 to 15: how long loops are.
    pub(crate) level: u32,
    /// Where random calls start, and what else is other in each run.
    pub(crate) seed: u64,
    /// What a case leaves for after a restart of the machine.
    pub(crate) state_file: PathBuf,
    /// A package without a fault was applied, as those with one must follow.
    pub(crate) has_applied: bool,
    events: Sender<Event>,
    /// Checks that passed and were not told yet.
    passed: u64,
    /// The id of the part that runs, and how many parts it has had.
    id: String,
    parts: u32,
}

impl Context {
    /// From here on the case speaks to this build of the TA.
    pub(crate) fn turn_to(&mut self, build: Build) {
        self.target = self.target.of(build);
        self.ta = self.target.client();
    }

    /// A case of this id, which reports to `events`.
    pub(crate) fn new(
        id: String,
        target: Target,
        options: &Options,
        events: Sender<Event>,
    ) -> Self {
        Self {
            ta: target.client(),
            target,
            level: options.level,
            seed: options.seed,
            state_file: options.state.clone(),
            has_applied: false,
            events,
            passed: 0,
            id,
            parts: 0,
        }
    }

    /// Runs the case to its end, also if it panics.
    pub(crate) fn run(&mut self, case: &Case) {
        self.guarded(|c| (case.around)(c, case.run));
        self.tell(Event::Done);
    }

    /// One part of the case. It fails alone: the next part runs all the same.
    pub(crate) fn part(&mut self, title: &str, part: impl FnOnce(&mut Self) -> Verdict) {
        self.parts += 1;
        let inner = format!("{}.{}", self.id, self.parts);
        self.tell(Event::PartStarted { id: inner.clone(), title: title.to_owned() });
        let outer = (std::mem::replace(&mut self.id, inner), std::mem::take(&mut self.parts));
        self.guarded(part);
        (self.id, self.parts) = outer;
        self.tell(Event::PartEnded);
    }

    /// Prints a line.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.tell(Event::Note(text.into()));
    }

    /// Needs a success to go on.
    #[track_caller]
    pub(crate) fn ok<T, E: Show>(&mut self, what: &str, result: Result<T, E>) -> Result<T, Stop> {
        match result {
            Ok(value) => {
                self.passed();
                Ok(value)
            }
            Err(error) => {
                self.failed(unexpected(what, &error.show(), "0x0 = success"));
                Err(Stop::Failed)
            }
        }
    }

    /// Needs a value to go on.
    #[track_caller]
    pub(crate) fn some<T>(&mut self, what: &str, value: Option<T>) -> Result<T, Stop> {
        self.ok(what, value.ok_or("none"))
    }

    /// Expects a refusal with this code.
    #[track_caller]
    pub(crate) fn refused<T>(&mut self, what: &str, result: Result<T, Error>, code: Code) -> bool {
        let got = match result {
            Err(Error::Refused(got)) if got == code => return self.passed(),
            Err(error) => error.show(),
            Ok(_) => String::from("0x0 = success"),
        };
        self.failed(unexpected(what, &got, &code.show()))
    }

    /// Expects two values to be the same.
    #[track_caller]
    pub(crate) fn equal<T: Show + PartialEq>(&mut self, what: &str, got: T, expected: T) -> bool {
        if got == expected {
            return self.passed();
        }
        self.failed(unexpected(what, &got.show(), &expected.show()))
    }

    /// Expects the same octets.
    #[track_caller]
    pub(crate) fn octets(&mut self, what: &str, got: &[u8], expected: &[u8]) -> bool {
        if got == expected {
            return self.passed();
        }
        self.failed(format!(
            "{what} has an unexpected content:\nGot\n{}\nExpected\n{}",
            dump(got),
            dump(expected)
        ))
    }

    /// Expects other octets.
    #[track_caller]
    pub(crate) fn differ(&mut self, what: &str, one: &[u8], other: &[u8]) -> bool {
        if one != other {
            return self.passed();
        }
        self.failed(format!("{what} should differ, but both are\n{}", dump(one)))
    }

    /// Expects `high` to be above `low`.
    #[track_caller]
    pub(crate) fn above(&mut self, what: &str, high: impl Into<u64>, low: impl Into<u64>) -> bool {
        let (high, low) = (high.into(), low.into());
        if high > low {
            return self.passed();
        }
        self.failed(format!("Expression \"{what}\" ({high} > {low}) is false"))
    }

    /// Expects a fact.
    #[track_caller]
    pub(crate) fn that(&mut self, what: &str, holds: bool) -> bool {
        if holds {
            return self.passed();
        }
        self.failed(format!("Expression \"{what}\" is false"))
    }

    fn passed(&mut self) -> bool {
        self.passed += 1;
        true
    }

    #[track_caller]
    fn failed(&mut self, text: String) -> bool {
        let at = Location::caller();
        self.tell(Event::Failed { place: place(at), text });
        false
    }

    /// Runs to the end whatever happens, so that what follows still runs.
    pub(crate) fn guarded(&mut self, run: impl FnOnce(&mut Self) -> Verdict) {
        // A session that the panic left half used is not used again: the next
        // case has its own.
        match panic::catch_unwind(panic::AssertUnwindSafe(|| run(&mut *self))) {
            Ok(Ok(()) | Err(Stop::Failed)) => {}
            Ok(Err(Stop::Skipped(reason))) => self.tell(Event::Skipped(reason)),
            Err(_) => {
                let (place, text) = PANIC.take().unwrap_or_default();
                self.tell(Event::Failed { place, text: format!("the case panicked: {text}") });
            }
        }
    }

    fn tell(&mut self, event: Event) {
        // Nobody listens any more if the case was given up: it ends with its
        // thread.
        let _ = self.events.send(Event::Passed(std::mem::take(&mut self.passed)));
        let _ = self.events.send(event);
    }
}

fn unexpected(what: &str, got: &str, expected: &str) -> String {
    format!("{what} has an unexpected value: {got}, expected {expected}")
}

fn place(at: &Location<'_>) -> Place {
    Place { file: at.file().to_owned(), line: at.line() }
}

thread_local! {
    /// Where and why this thread panicked.
    static PANIC: RefCell<Option<(Place, String)>> = const { RefCell::new(None) };
}

/// Panics of cases are reported as failures, not on stderr.
pub(crate) fn silence_panics() {
    panic::set_hook(Box::new(|info| {
        let at = info.location().map(place).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("no reason given").to_owned();
        PANIC.set(Some((at, text)));
    }));
}
