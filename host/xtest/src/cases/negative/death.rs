//! 8000: the death of the TA, by the test build's own command: what every
//! session sees, and that nothing is lost or given out twice.

use std::thread;

use proseal_client::error::TARGET_DEAD;
use proseal_proto::command::Id;
use proseal_proto::test_command::TestId;

use super::requests::good;
use super::{deadly, keys_of_good_receive};
use crate::case::{Case, Stop, Verdict};
use crate::check::Context;
use crate::fixture::GROUP;
use crate::ioctl::{PARAMS, Param, Refusal, login};
use crate::line::{Line, uuid};

pub(super) const CASES: &[Case] = &[
    deadly(8001, "whoever makes the TA panic is told that it is dead", caller),
    deadly(8002, "every other session is told so too, once and again", other_sessions),
    deadly(8003, "a new session works while dead ones are still open", reopened),
    deadly(8004, "no PTK Id comes back", ptk_ids),
    deadly(8005, "the start nonce is another one", start_nonce),
    deadly(8006, "a client opens its session again by itself", client),
    deadly(
        8007,
        "callers in the middle of calls see an answer or the death, nothing else",
        mid_call,
    ),
];

const PANIC: u32 = TestId::Panic.number();
const RECEIVE: u32 = Id::Receive.number();
/// What a session of a dead TA gets.
const DEAD: Refusal = Refusal::Tee { result: TARGET_DEAD, origin: 3 };

/// Makes the TA panic, by a session that lives on.
fn kill(c: &mut Context) -> Result<Line, Stop> {
    let line = c.line()?;
    let result = line.call(PANIC, &good(PANIC));
    c.stopped(&line, "panic", result, DEAD);
    Ok(line)
}

fn caller(c: &mut Context) -> Verdict {
    kill(c).map(drop)
}

fn other_sessions(c: &mut Context) -> Verdict {
    let others = [c.line()?, c.line()?, c.line()?];
    let killer = kill(c)?;
    for line in others.iter().chain([&killer]) {
        for what in ["the first call", "the next call"] {
            let result = line.call(RECEIVE, &good(RECEIVE));
            c.stopped(line, what, result, DEAD);
        }
        for session in line.sessions() {
            let closed = line.device.close_session(session);
            c.ok("closing it", closed.map_err(Refusal::Kernel))?;
        }
    }
    Ok(())
}

fn reopened(c: &mut Context) -> Verdict {
    let dead = [c.line()?, kill(c)?];
    let line = c.line()?;
    c.received(&line, "receive")?;
    for old in &dead {
        let result = old.call(RECEIVE, &good(RECEIVE));
        c.stopped(old, "a dead session", result, DEAD);
    }
    // A session more on a device that has a dead one.
    let opened = dead[0].device.open_session(uuid(), login::PUBLIC, [0; 16], [Param::NONE; PARAMS]);
    c.ok("opening", opened).map(drop)
}

fn ptk_ids(c: &mut Context) -> Verdict {
    let mut last = 0;
    for _ in 0..3 + c.level {
        let sent = c.send(GROUP, 1);
        let before = c.ok("send", sent)?.ptk_id.get();
        c.above("PTK Id > all before", before, last);
        kill(c)?;
        let sent = c.send(GROUP, 1);
        let after = c.ok("send after the death", sent)?.ptk_id.get();
        c.above("PTK Id after the death > all before", after, before);
        last = after;
    }
    Ok(())
}

fn start_nonce(c: &mut Context) -> Verdict {
    let before = c.status()?;
    kill(c)?;
    let after = c.status()?;
    c.differ("start nonces", &before.start_nonce, &after.start_nonce);
    c.equal("refusals since the start", after.refusals, 0);
    Ok(())
}

fn client(c: &mut Context) -> Verdict {
    let before = c.status()?;
    let mut other = c.target.client();
    c.ok("another client", other.call(&proseal_proto::message::Version))?;
    kill(c)?;
    c.ok("the same client", other.call(&proseal_proto::message::Version))?;
    let after = c.status()?;
    c.equal("sequence", after.sequence, before.sequence);
    Ok(())
}

fn mid_call(c: &mut Context) -> Verdict {
    let whole = keys_of_good_receive();
    let (mut answered, mut met) = (0_u32, 0_u32);
    for _ in 0..3 + c.level {
        let before = c.status()?.start_nonce;
        let lines: Result<Vec<Line>, _> = (0..6).map(|_| Line::open()).collect();
        let lines = c.ok("opening the sessions", lines)?;
        let killer = c.line()?;
        let (death, results): (_, Vec<_>) = thread::scope(|scope| {
            let call = |line: Line| {
                (0..40).map(|_| line.call(RECEIVE, &good(RECEIVE))).collect::<Vec<_>>()
            };
            let threads: Vec<_> =
                lines.into_iter().map(|line| scope.spawn(move || call(line))).collect();
            let death = killer.call(PANIC, &good(PANIC));
            let results = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default());
            (death, results.collect())
        });
        c.equal("the panic", death.map(drop), Err(DEAD));
        c.equal("calls", results.len(), 6 * 40);
        for result in results {
            match result {
                Ok(response) => {
                    answered += 1;
                    c.octets("an answer", &response, &whole);
                }
                Err(refusal) => {
                    met += 1;
                    c.equal("a call that the death met", refusal, DEAD);
                }
            }
        }
        let after = c.status()?.start_nonce;
        c.differ("start nonces", &before, &after);
    }
    c.note(format!("{answered} calls were answered, {met} met the death"));
    c.above("calls that met the death > 0", met, 0_u32);
    Ok(())
}
