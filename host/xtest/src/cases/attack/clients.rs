//! 5000: two clients at once, of which one is killed in the middle of a call.

use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use proseal_proto::command::Id;
use proseal_proto::limit::BATCH;
use proseal_proto::message::{Receive, Revoke};

use super::{DEAD, Found, SEQUENCE, case, keys_of_good_receive};
use crate::case::{Case, Stop, Verdict};
use crate::cases::negative::{good, request};
use crate::check::Context;
use crate::child::Child;
use crate::fixture::{self, GROUP, OTHER};
use crate::line::Line;
use crate::show::Show;
use crate::supplicant::{self, Supplicant};

pub(super) const CASES: &[Case] = &[
    case(5001, "a client killed while it derives: the other's calls all succeed", deriving),
    case(5002, "a client killed while it writes: the other goes on, the state is whole", writing),
    case(5003, "clients killed in their calls all at once: the other goes on", many_clients),
];

const RECEIVE: u32 = Id::Receive.number();
/// How long to wait for a first answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Calls that the other is told to make: more than it comes to.
const CALLS: usize = 20_000;
/// How long it goes on after the one that is killed.
const LAST_CALLS: Duration = Duration::from_millis(50);
/// How long what it has said already may take to arrive.
const LAST_WORD: Duration = Duration::from_secs(1);
/// Between two looks at a tee-supplicant that works.
const BUSY: Duration = Duration::from_millis(10);

/// A `receive` that takes long.
fn long_receive() -> Vec<u8> {
    let items = (1..=BATCH as u16).map(|id| fixture::epoch(GROUP, 1, OTHER, id)).collect();
    request(&Receive { items })
}

/// A call of the other client, which must get its keys.
fn received(c: &mut Context, line: &Line) -> Verdict {
    let response = line.call(RECEIVE, &good(RECEIVE));
    let response = c.ok("the other's call", response)?;
    c.octets("its keys", &response, &keys_of_good_receive());
    Ok(())
}

fn deriving(c: &mut Context) -> Verdict {
    let before = c.status()?.start_nonce;
    let line = Line::open();
    let line = c.ok("opening the other's session", line)?;
    for round in 0..4 * (1 + u64::from(c.level)) {
        let child = Child::start(RECEIVE, &long_receive());
        let mut child = c.ok("starting a client", child)?;
        c.ok("its calls", child.call(1000))?;
        c.that("it is in the middle of its calls", child.answer(PATIENCE).is_some());
        received(c, &line)?;
        thread::sleep(Duration::from_millis(7 * round));
        child.kill();
        for _ in 0..5 {
            received(c, &line)?;
        }
    }
    let after = c.status()?.start_nonce;
    c.octets("the TA's start", &after, &before);
    Ok(())
}

/// 8 clients at level 0, 16 at any other: each is a process, and those take long to start.
fn many_clients(c: &mut Context) -> Verdict {
    let many = if c.level == 0 { 8 } else { 16 };
    let line = Line::open();
    let line = c.ok("opening the other's session", line)?;
    let before = c.status()?.start_nonce;
    let clients: Result<Vec<_>, _> =
        (0..many).map(|_| Child::start(RECEIVE, &long_receive())).collect();
    let mut clients = c.ok(&format!("starting {many} clients"), clients)?;
    for client in &mut clients {
        c.ok("its calls", client.call(1000))?;
    }
    for client in &clients {
        c.that("it is in the middle of its calls", client.answer(PATIENCE).is_some());
    }
    drop(clients);
    for _ in 0..5 {
        received(c, &line)?;
    }
    let after = c.status()?.start_nonce;
    c.octets("the TA's start", &after, &before);
    Ok(())
}

/// Linux lets a killed caller go in the middle of a storage call. The call
/// fails for OP-TEE, which ends the TA; and tee-supplicant, whose answer nobody
/// takes any more, ends itself (OP-TEE/optee_client issue 423). So the other
/// may meet the TA's death, and somebody has to start tee-supplicant again. The
/// state is whole all the same.
///
/// An early and a late call at level 0, all at any other.
fn writing(c: &mut Context) -> Verdict {
    let good_device = c.good()?;
    let mut ends = 0;
    for nth in [2, 30, 12, 50].into_iter().take(if c.level == 0 { 2 } else { 4 }) {
        c.part(&format!("killed after {nth} storage calls of its revocation"), |c| {
            good_device.put_back(c)?;
            let answered = killed_writing(c, nth)?;
            ends += u32::from(revived(c)?);
            let found = c.look()?;
            let done = Found::holding(SEQUENCE, &[2], 3);
            let may_be = found == done || !answered && found == Found::whole();
            c.that("before or after, whole", may_be);
            c.expect("the device", &found)?;
            c.revoke_first()?;
            c.expect("the device after the other's revocation", &done)
        });
    }
    c.note(format!("tee-supplicant ended with its client {ends} times"));
    Ok(())
}

/// Kills a client when its revocation has made so many storage calls, while
/// another one calls; whether it was answered before.
fn killed_writing(c: &mut Context, nth: u64) -> Result<bool, Stop> {
    let supplicant = Supplicant::find();
    let supplicant = c.ok("looking for tee-supplicant", supplicant)?;
    let supplicant = c.some("a tee-supplicant", supplicant)?;
    // Of a generation that stays, whatever comes first.
    let of_second = request(&Receive { items: vec![fixture::epoch(GROUP, 2, OTHER, 1)] });
    let other = Child::start(RECEIVE, &of_second);
    let mut other = c.ok("starting the other", other)?;
    let (group, below) = (fixture::group_id(GROUP), fixture::generation(2));
    let child = Child::start(Id::Revoke.number(), &request(&Revoke { group, below }));
    let mut child = c.ok("starting a client", child)?;
    let before = supplicant.calls();
    let before = c.ok("counting", before)?;
    c.ok("the other's calls", other.call(CALLS))?;
    c.ok("the revocation", child.call(1))?;
    let end = Instant::now() + PATIENCE;
    let mut answer = None;
    while supplicant.calls().is_ok_and(|calls| calls < before + nth)
        && answer.is_none()
        && Instant::now() < end
    {
        answer = child.answer(Duration::ZERO);
    }
    // It is not gone before the TA's instance is free for the end of its session. That may be held by
    // a call of the other which needs storage that nobody serves any more, and waits for a
    // tee-supplicant that is not started while somebody waits. So the other has its time and is killed
    // too, before anyone is waited for.
    child.kill();
    thread::sleep(LAST_CALLS);
    other.kill();
    child.wait();
    other.wait();
    let results: Vec<_> = iter::from_fn(|| other.answer(LAST_WORD)).collect();
    let met = results.iter().filter(|result| result.is_err()).count();
    c.note(format!("{} calls of the other, {met} met the TA's death", results.len()));
    for refusal in results.into_iter().filter_map(Result::err) {
        c.equal("an answer or the death, nothing else", refusal, DEAD.show());
    }
    Ok(answer.is_some_and(|answer| answer.is_ok()))
}

/// Waits until a session opens again; whether tee-supplicant ended with its
/// client. One that has not may be about to: when the driver does not take one of
/// its answers, it ends with a later request, whoever's that is. So it is ended in
/// any case, when it has nothing to do, and started anew. Whoever tries to open a
/// session is killed where he would wait for ever.
fn revived(c: &mut Context) -> Result<bool, Stop> {
    let (mut has_ended, version) = (true, Id::Version.number());
    let end = Instant::now() + PATIENCE;
    while let Some(supplicant) = c.ok("looking for tee-supplicant", Supplicant::find())? {
        if !supplicant.is_busy() || Instant::now() > end {
            has_ended = false;
            // It may have just ended.
            let _ = supplicant.kill();
        }
        thread::sleep(BUSY);
    }
    c.ok("starting tee-supplicant again", supplicant::start())?;
    let end = Instant::now() + PATIENCE;
    loop {
        let opened = Child::start_within(Duration::from_secs(4), version, &good(version));
        if opened.is_ok() || Instant::now() > end {
            return c.ok("opening a session again", opened).map(|_| has_ended);
        }
    }
}
