//! Suite `negative`: every wrong call is refused, each with its own code, and
//! costs nobody anything. 1000 the memory of a call; 2000 what is not a
//! command's request; 3000 values out of range; 4000 what the state or the
//! policy forbids; 5000 logins; 6000 many callers at once; 7000 the TA's
//! file; 8000 the death of the TA; 9000 the product, where all others are of the
//! test build.
//!
//! Around each case of the test build stands [`unharmed`]: the TA has not restarted, its state
//! has not changed, and it answers the next good call.

mod callers;
mod death;
mod file;
mod logins;
mod memory;
mod product;
mod requests;
mod state;
mod values;

use proseal_proto::command::Id;
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, GroupStatus, Outcome, StatusReply, Version};
use proseal_proto::test_command::Scope;

pub(super) use requests::{ALL, good, request};

use crate::case::{Case, Run, Stop, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::device;
use crate::fixture::{self, GROUP, OTHER};
use crate::ioctl::Refusal;
use crate::line::Line;

/// All of the suite's cases. Those of a factory device stand together: the
/// state is made only where it is not there.
pub(super) fn all() -> impl Iterator<Item = &'static [Case]> {
    [
        memory::CASES,
        requests::CASES,
        values::CASES,
        state::CASES,
        logins::CASES,
        callers::CASES,
        file::CASES,
        death::CASES,
        state::FACTORY,
        product::CASES,
    ]
    .into_iter()
}

/// A case of an enrolled device.
const fn case(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "negative", number, title, run, around: enrolled }
}

/// The same, where the TA ends on the way.
const fn deadly(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "negative", number, title, run, around: enrolled_again }
}

/// A case of a factory device.
const fn factory(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "negative", number, title, run, around: in_factory }
}

/// The sequence of [`content`].
const SEQUENCE: u64 = 7;
/// A group in which the device may only receive.
const LISTENING: u32 = GROUP + 1;

/// What the device holds in all cases but those of a factory device.
pub(super) fn content() -> Content<'static> {
    let mut listening = fixture::group(LISTENING, vec![fixture::pgk(1, 2)]);
    listening.may_send = false;
    let group = fixture::group(GROUP, vec![fixture::pgk(1, 0), fixture::pgk(2, 1)]);
    fixture::content(SEQUENCE, vec![group, listening])
}

fn enrolled(c: &mut Context, run: Run) -> Verdict {
    provide(c)?;
    unharmed(c, run, true)
}

fn enrolled_again(c: &mut Context, run: Run) -> Verdict {
    provide(c)?;
    unharmed(c, run, false)
}

fn in_factory(c: &mut Context, run: Run) -> Verdict {
    if c.status()?.state != DeviceState::Factory {
        c.fresh()?;
    }
    unharmed(c, run, true)
}

/// Makes the state, unless it is there: that costs no write.
fn provide(c: &mut Context) -> Verdict {
    if matches!(c.install(Scope::Whole, &content()), Ok(Outcome::Same)) {
        return Ok(());
    }
    c.fresh()?;
    c.applied(Scope::Whole, &content())
}

/// Runs a case, then looks whether the TA is none the worse for it.
fn unharmed(c: &mut Context, run: Run, same_start: bool) -> Verdict {
    let before = c.status()?;
    c.guarded(run);
    let after = c.status()?;
    if same_start {
        c.octets("start nonce", &after.start_nonce, &before.start_nonce);
        // The end of a TA takes the time that was not written yet.
        c.that("the floor has not fallen", after.floor >= before.floor);
    }
    for (now, then) in epochs_left(&after).zip(epochs_left(&before)) {
        c.that("no PTK Id has come back", now <= then);
    }
    c.that("the state has not changed", lasting(&after) == lasting(&before));
    answers(c, after.state)
}

/// The next good call, of a session of its own.
fn answers(c: &mut Context, state: DeviceState) -> Verdict {
    c.ta = c.target.client();
    if state == DeviceState::Factory {
        let version = c.ta.call(&Version);
        return c.ok("version", version).map(drop);
    }
    let epoch = fixture::epoch(GROUP, 1, OTHER, 9);
    let keys = c.receive_one(epoch)?;
    let expected = expected(&fixture::pgk(1, 0), &epoch);
    c.octets("IK of the next good call", keys.ik.expose(), &expected.ik);
    c.octets("CK of the next good call", keys.ck.expose(), &expected.ck);
    Ok(())
}

/// The whole response to a good `receive`.
fn keys_of_good_receive() -> Vec<u8> {
    let keys = expected(&fixture::pgk(1, 0), &fixture::epoch(GROUP, 1, OTHER, 1));
    // code 4, count 2, code 4, IK, CK
    [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &keys.ik[..], &keys.ck].concat()
}

fn epochs_left(status: &StatusReply) -> impl Iterator<Item = u16> {
    status.groups.iter().flat_map(|group| group.pgks.iter().map(|pgk| pgk.epochs_left))
}

/// What no wrong call may change: all but the counters, the time and the start.
fn lasting(status: &StatusReply) -> StatusReply {
    let mut lasting = device::lasting(status);
    let pgks = |group: &mut GroupStatus| group.pgks.iter_mut().for_each(|p| p.epochs_left = 0);
    lasting.groups.iter_mut().for_each(pgks);
    lasting.start_nonce = [0; 32];
    lasting
}

impl Context {
    /// A session below libteec.
    #[track_caller]
    fn line(&mut self) -> Result<Line, Stop> {
        let line = Line::open();
        self.ok("opening a session", line)
    }

    /// Expects the keys that a good `receive` asks for, and nothing else
    /// written.
    #[track_caller]
    fn received(&mut self, line: &Line, what: &str) -> Verdict {
        let number = Id::Receive.number();
        let response = line.call(number, &good(number));
        let response = self.ok(what, response)?;
        let whole = keys_of_good_receive();
        self.octets(what, &response, &whole);
        self.untouched_from(line, what, whole.len());
        Ok(())
    }

    /// Expects octets to be refused by the TA with exactly this code, and
    /// nothing written beyond it.
    #[track_caller]
    fn refused_by(&mut self, line: &Line, what: &str, number: u32, request: &[u8], code: Code) {
        match line.call(number, request) {
            Ok(response) => self.octets(what, &response, &code.number().to_be_bytes()),
            Err(refusal) => self.equal(what, Err(refusal), Ok(())),
        };
        self.untouched_from(line, what, 4);
    }

    /// Expects an epoch, as the octets that ask for it, to be refused alone:
    /// code and zeros, octet by octet, between good ones that get their keys.
    #[track_caller]
    fn refused_item(&mut self, item: &[u8], code: Code) -> Verdict {
        let good = good(Id::Receive.number());
        let good = &good[4..];
        let request = [&[0, 1, 0, 3], good, item, good].concat();
        let line = self.line()?;
        let response = line.call(Id::Receive.number(), &request);
        let response = self.ok("receive", response)?;
        // of one: code 4, count 2, then 68 octets
        let keys = &keys_of_good_receive()[6..];
        let refused = [&code.number().to_be_bytes()[..], &[0; 64]].concat();
        let whole = [&[0, 0, 0, 0, 0, 3], keys, &refused, keys].concat();
        self.octets(&format!("receive with {item:02x?} between good epochs"), &response, &whole);
        Ok(())
    }

    /// Expects a call not to reach the TA's commands, and no octet of its
    /// response memory to be touched.
    #[track_caller]
    fn stopped<T>(
        &mut self,
        line: &Line,
        what: &str,
        result: Result<T, Refusal>,
        expected: Refusal,
    ) {
        self.equal(what, result.map(drop), Err(expected));
        self.untouched_from(line, what, 0);
    }

    #[track_caller]
    fn untouched_from(&mut self, line: &Line, what: &str, offset: usize) {
        let fact = format!("{what}: nothing is written from octet {offset} on");
        self.that(&fact, line.untouched_from(offset));
    }
}
