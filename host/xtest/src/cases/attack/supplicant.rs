//! 4000: tee-supplicant is killed in the middle of a command, at one storage
//! call after the other (which are counted by what the kernel says it has read
//! and written), and started again. The state is the one before the command or
//! the one after it, whole, and the next commands work on it.

use std::io;
use std::time::{Duration, Instant};

use proseal_proto::command::Id;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{Erase, Revoke, Send, Suspend};
use proseal_proto::test_command::{Install, Scope, TestId};

use super::{Found, SEQUENCE, case, with_generations};
use crate::case::{Case, Stop, Verdict};
use crate::cases::negative::request;
use crate::check::Context;
use crate::child::Child;
use crate::fixture::{self, GROUP};
use crate::supplicant::{self, Supplicant};

pub(super) const CASES: &[Case] = &[
    case(4001, "tee-supplicant killed in a send: no PTK Id comes twice", in_send),
    case(4002, "tee-supplicant killed in an install: the old state or the new one", in_install),
    case(4003, "tee-supplicant killed in a revocation: before it or after it", in_revoke),
    case(4004, "tee-supplicant killed in a suspension: before it or after it", in_suspend),
    case(4005, "tee-supplicant killed in an erase: before it, damaged, or factory", in_erase),
];

const SEND: u32 = Id::Send.number();
/// What a response of success begins with: the code.
const DONE: &str = "00000000";
/// From this level on each storage call of a command is an instant.
const EACH_FROM: u32 = 3;
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long its answer may still come when tee-supplicant is dead: a call that
/// needs it waits for the next one.
const LAST_WORD: Duration = Duration::from_millis(150);

/// A command that changes the state.
struct Attack {
    number: u32,
    request: Vec<u8>,
    /// At how many instants it is met at level 0; each level adds as many.
    instants: u64,
    /// What the device may be when it was cut short.
    cut: Vec<Found>,
    /// What it must be when it was answered.
    done: Found,
}

/// tee-supplicant is dead, and runs again when this is dropped at the latest.
struct Death;

impl Death {
    fn end(self) -> io::Result<()> {
        let started = supplicant::start();
        std::mem::forget(self);
        started
    }
}

impl Drop for Death {
    fn drop(&mut self) {
        let _ = supplicant::start();
    }
}

fn attack(c: &mut Context, attack: &Attack) -> Verdict {
    let total = storage_calls(c, attack)?;
    c.above("storage calls of the command > 4", total, 4_u64);
    let instants = instants(c.level, attack.instants, total);
    c.note(format!("{instants} of {total} storage calls"));
    let mut met = Vec::new();
    for at in 0..instants {
        // Others in each run.
        let nth = 1 + (c.seed % total + at * total / instants) % total;
        c.part(&format!("killed after {nth} of {total} storage calls"), |c| {
            let (found, answer) = killed_after(c, attack, nth)?;
            go_on(c, &found, answer.filter(|_| attack.number == SEND))?;
            met.push(found);
            Ok(())
        });
    }
    c.equal("instants", met.len() as u64, instants);
    // Where the state says nothing of the command there is nothing to tell.
    if !attack.cut.is_empty() {
        let done = met.iter().filter(|found| **found == attack.done).count();
        c.note(format!("it had taken effect {done} times of {}", met.len()));
    }
    Ok(())
}

/// How many of a command's storage calls are met.
fn instants(level: u32, at_level_0: u64, total: u64) -> u64 {
    if level >= EACH_FROM { total } else { (at_level_0 * (1 + u64::from(level))).min(total) }
}

/// How many storage calls the command takes if nobody dies.
fn storage_calls(c: &mut Context, attack: &Attack) -> Result<u64, Stop> {
    let (supplicant, child, before) = begin(c, attack)?;
    let answer = child.answer(PATIENCE).and_then(Result::ok);
    c.some("an answer", answer)?;
    let after = supplicant.calls();
    let after = c.ok("counting", after)?;
    drop(child);
    c.expect("the device after the command", &attack.done)?;
    Ok(after - before)
}

/// Has a process of its own make the call, from the good state; with the count
/// of storage calls before it.
fn begin(c: &mut Context, attack: &Attack) -> Result<(Supplicant, Child, u64), Stop> {
    let good = c.good()?;
    good.put_back(c)?;
    let supplicant = find(c)?;
    let child = Child::start(attack.number, &attack.request);
    let mut child = c.ok("starting the caller", child)?;
    let before = supplicant.calls();
    let before = c.ok("counting", before)?;
    c.ok("the call", child.call(1))?;
    Ok((supplicant, child, before))
}

fn find(c: &mut Context) -> Result<Supplicant, Stop> {
    let found = Supplicant::find();
    let found = c.ok("looking for tee-supplicant", found)?;
    c.some("a tee-supplicant", found)
}

/// Kills tee-supplicant when the command has made so many storage calls; what
/// the device is then.
fn killed_after(
    c: &mut Context,
    attack: &Attack,
    nth: u64,
) -> Result<(Found, Option<String>), Stop> {
    let (supplicant, mut child, before) = begin(c, attack)?;
    let end = Instant::now() + PATIENCE;
    let mut answer = None;
    while supplicant.calls().is_ok_and(|calls| calls < before + nth) && Instant::now() < end {
        answer = child.answer(Duration::ZERO);
        if answer.is_some() {
            break;
        }
    }
    c.ok("killing tee-supplicant", supplicant.kill())?;
    let death = Death;
    let answer = answer.or_else(|| child.answer(LAST_WORD)).and_then(Result::ok);
    // Whoever waits for a tee-supplicant must go before the next one comes.
    child.kill();
    child.wait();
    c.ok("starting tee-supplicant again", death.end())?;

    let found = c.look()?;
    let answer = answer.filter(|answer| answer.starts_with(DONE));
    let is_done = answer.is_some();
    let may_be = found == attack.done || !is_done && attack.cut.contains(&found);
    c.that(&format!("answered: {is_done}; the device is {found:?}"), may_be);
    c.expect("the device, once more", &found)?;
    Ok((found, answer))
}

/// The next commands, on whatever is there. `sent` is the answer to a `send`
/// before.
fn go_on(c: &mut Context, found: &Found, sent: Option<String>) -> Verdict {
    let Found::Holding { suspended, .. } = found else {
        let erased = c.erase(DeviceId::NONE);
        c.ok("erase", erased)?;
        c.expect("the device after an erase", &Found::Factory)?;
        return c.applied(Scope::Whole, &with_generations(1, &[1]));
    };
    if *suspended {
        c.suspend(false)?;
    }
    let next = c.send(GROUP, 2);
    let next = c.ok("send", next)?.ptk_id;
    // code 4, generation 8, PGK Id 1, member 3
    let before = sent.and_then(|sent| u16::from_str_radix(sent.get(32..36)?, 16).ok());
    c.above("PTK Id > the one before", next.get(), before.unwrap_or(0));
    c.applied(Scope::Whole, &with_generations(SEQUENCE + 9, &[2, 3]))?;
    let (group, below) = (fixture::group_id(GROUP), fixture::generation(3));
    let revoked = c.ta.call(&Revoke { group, below });
    c.ok("revoke", revoked)?;
    c.expect("the device in the end", &Found::holding(SEQUENCE + 9, &[3], 4))
}

fn in_send(c: &mut Context) -> Verdict {
    let (group, generation) = (fixture::group_id(GROUP), fixture::generation(2));
    let send = Attack {
        number: SEND,
        request: request(&Send { group, generation }),
        instants: 1,
        cut: Vec::new(),
        // Its counters are not looked at; `go_on` sends again.
        done: Found::whole(),
    };
    attack(c, &send)
}

fn in_install(c: &mut Context) -> Verdict {
    let content = fixture::encoded(&with_generations(SEQUENCE + 1, &[2, 3]));
    let install = Attack {
        number: TestId::Install.number(),
        request: request(&Install { scope: Scope::Whole, content: &content }),
        instants: 3,
        cut: vec![Found::whole()],
        done: Found::holding(SEQUENCE + 1, &[2, 3], 4),
    };
    attack(c, &install)
}

fn in_revoke(c: &mut Context) -> Verdict {
    let (group, below) = (fixture::group_id(GROUP), fixture::generation(2));
    let revoke = Attack {
        number: Id::Revoke.number(),
        request: request(&Revoke { group, below }),
        instants: 1,
        cut: vec![Found::whole()],
        done: Found::holding(SEQUENCE, &[2], 3),
    };
    attack(c, &revoke)
}

fn in_suspend(c: &mut Context) -> Verdict {
    let suspend = Attack {
        number: Id::Suspend.number(),
        request: request(&Suspend { group: fixture::group_id(GROUP), on: true }),
        instants: 1,
        cut: vec![Found::whole()],
        done: Found::whole().suspended(),
    };
    attack(c, &suspend)
}

fn in_erase(c: &mut Context) -> Verdict {
    let erase = Attack {
        number: Id::Erase.number(),
        request: request(&Erase { device: DeviceId::NONE }),
        instants: 1,
        // Zeros are written over the state before it goes.
        cut: vec![Found::whole(), Found::Damaged],
        done: Found::Factory,
    };
    attack(c, &erase)
}
