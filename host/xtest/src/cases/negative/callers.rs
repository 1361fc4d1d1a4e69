//! 6000: many callers at once, and one that changes its mind in the middle.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proseal_proto::command::{Command, Id, RESPONSE_HEAD};
use proseal_proto::error::Code;
use proseal_proto::limit::{BATCH, PACKAGE_MAX, REQUEST_MAX};
use proseal_proto::message::{GetStatement, Import, Outcome, Receive};
use proseal_proto::test_command::{Marks, TestId};
use sha2::{Digest, Sha256};

use super::requests::{good, request};
use super::{case, content, keys_of_good_receive};
use crate::case::{Case, Run, Stop, Verdict, plainly};
use crate::check::Context;
use crate::derivation::expected;
use crate::device::lasting;
use crate::fixture::{self, GROUP, MEMBER, OTHER};
use crate::ioctl::{PARAMS, Param, Refusal, login};
use crate::line::{Line, uuid};

pub(super) const CASES: &[Case] = &[
    case(6001, "a request that changes during the call is one of the two, whole", changing_request),
    case(6002, "a response that is overwritten during the call harms only its caller", scribbled),
    case(6003, "the largest requests from 16 sessions at once", largest_requests),
    case(6004, "the largest responses to 16 sessions at once", largest_responses),
    case(6005, "16 sessions that send at once get different PTK Ids", sends_at_once),
    case(
        6006,
        "a session that is closed in the middle of its calls ends cleanly",
        closed_meanwhile,
    ),
    case(
        6007,
        "sessions are opened until one is refused, and the others go on",
        open_until_refused,
    ),
    of_manager(6008, "the largest package and statements from 16 sessions at once", imports),
    of_manager(
        6009,
        "with sessions open until one is refused a package waits, and is whole then",
        import_without_room,
    ),
];

/// A case of a device that it enrols.
const fn of_manager(number: u16, title: &'static str, run: Run) -> Case {
    Case { around: plainly, ..case(number, title, run) }
}

const RECEIVE: u32 = Id::Receive.number();
/// How long to wait for a first answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Sessions at once.
const CALLERS: usize = 16;

/// How many times over a race is tried to be met.
const BATCHES: u32 = 20;

/// Calls `f` while another thread does `meanwhile` over and over.
fn beside<T>(meanwhile: impl Fn(u32) + Sync, f: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                meanwhile(round);
                round = round.wrapping_add(1);
            }
        });
        let value = f();
        over.store(true, Ordering::Relaxed);
        value
    })
}

fn changing_request(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let whole = good(RECEIVE);
    // version 2, count 2, group 3, generation 8: the sender's last octet is
    // all that differs, so there is nothing between the two.
    let at = 17;
    let epoch = fixture::epoch(GROUP, 1, OTHER, 1);
    let keys = expected(&fixture::pgk(1, 0), &epoch);
    let other = [&[0; 4], &keys.ik[..], &keys.ck].concat();
    let own = [&Code::OwnMember.number().to_be_bytes()[..], &[0; 64]].concat();
    let senders = [MEMBER as u8, OTHER as u8];
    let (mut others, mut owns) = (0_u32, 0_u32);
    let calls = 400 * (1 + c.level);
    let flip = |round: u32| {
        line.request.octets()[at].store(senders[round as usize % 2], Ordering::Relaxed)
    };
    // Where both threads share a processor it changes now and then only: until both were met.
    for _ in 0..BATCHES {
        let responses: Vec<_> =
            beside(flip, || (0..calls).map(|_| line.call(RECEIVE, &whole)).collect());
        for response in responses {
            let response = c.ok("receive", response)?;
            match response.get(6..) {
                Some(item) if item == other => others += 1,
                Some(item) if item == own => owns += 1,
                item => {
                    c.octets("neither of the two", item.unwrap_or_default(), &other);
                }
            }
        }
        if others > 0 && owns > 0 {
            break;
        }
    }
    c.note(format!("{others} for one sender, {owns} for the other"));
    c.that("both were met", others > 0 && owns > 0);
    Ok(())
}

fn scribbled(c: &mut Context) -> Verdict {
    let line = c.line()?;
    let whole = good(RECEIVE);
    let first = line.call(RECEIVE, &whole);
    let len = c.ok("receive", first)?.len();
    let scribble = |round: u32| line.response.fill(round as u8);
    let calls = 100 * (1 + c.level);
    let responses: Vec<_> =
        beside(scribble, || (0..calls).map(|_| line.call(RECEIVE, &whole)).collect());
    for response in responses {
        let response = c.ok("receive", response)?;
        c.equal("octets of the response", response.len(), len);
    }
    // What the caller spoils is its own: the same session answers right again.
    c.received(&line, "the next call")
}

/// What each of many sessions gets for the same calls at the same time.
fn at_once(
    c: &mut Context,
    number: u32,
    request: &[u8],
    rounds: u32,
) -> Result<Vec<Vec<u8>>, Stop> {
    let lines: Result<Vec<Line>, _> = (0..CALLERS).map(|_| Line::open()).collect();
    let lines = c.ok("opening the sessions", lines)?;
    let results: Vec<_> = thread::scope(|scope| {
        let calls =
            |line: Line| (0..rounds).map(|_| line.call(number, request)).collect::<Vec<_>>();
        let threads: Vec<_> =
            lines.into_iter().map(|line| scope.spawn(move || calls(line))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    c.equal("answers", results.len(), CALLERS * rounds as usize);
    results.into_iter().map(|result| c.ok("the call", result)).collect()
}

fn largest_requests(c: &mut Context) -> Verdict {
    // A content that is good but for what follows it.
    let mut request = [&[0, 1, 0], &fixture::encoded(&content())[..]].concat();
    request.resize(REQUEST_MAX, 0);
    for response in at_once(c, TestId::Install.number(), &request, 8 * (1 + c.level))? {
        c.octets("response", &response, &Code::ContentMalformed.number().to_be_bytes());
    }
    Ok(())
}

fn largest_responses(c: &mut Context) -> Verdict {
    let epochs: Vec<_> = (1..=BATCH as u16).map(|id| fixture::epoch(GROUP, 1, OTHER, id)).collect();
    let mut whole = [&[0; 4], &(BATCH as u16).to_be_bytes()[..]].concat();
    for epoch in &epochs {
        let keys = expected(&fixture::pgk(1, 0), epoch);
        whole.extend([&[0; 4], &keys.ik[..], &keys.ck].concat());
    }
    let request = request(&Receive { items: epochs });
    for response in at_once(c, RECEIVE, &request, 4 * (1 + c.level))? {
        c.octets("response", &response, &whole);
    }
    Ok(())
}

fn sends_at_once(c: &mut Context) -> Verdict {
    let rounds = 8 * (1 + c.level);
    let responses = at_once(c, Id::Send.number(), &good(Id::Send.number()), rounds)?;
    // code 4, generation 8, PGK Id 1, member 3
    let ids: BTreeSet<_> = responses.iter().map(|r| r.get(16..18).map(<[u8]>::to_vec)).collect();
    c.equal("different PTK Ids", ids.len(), responses.len());
    Ok(())
}

fn closed_meanwhile(c: &mut Context) -> Verdict {
    let whole = keys_of_good_receive();
    let (mut before, mut after) = (0_u32, 0_u32);
    for _ in 0..8 * (1 + c.level) {
        let line = c.line()?;
        let request = good(RECEIVE);
        let answered = AtomicBool::new(false);
        let call = || {
            let result = line.call(RECEIVE, &request);
            answered.store(true, Ordering::Relaxed);
            result
        };
        let (closed, calls) = thread::scope(|scope| {
            let calls = scope.spawn(|| (0..50).map(|_| call()).collect::<Vec<_>>());
            let end = Instant::now() + PATIENCE;
            while !answered.load(Ordering::Relaxed) && Instant::now() < end {
                thread::yield_now();
            }
            let closed = line.device.close_session(line.session(RECEIVE));
            (closed, calls.join().unwrap_or_default())
        });
        c.equal("closing", closed.map_err(Refusal::Kernel), Ok(()));
        for call in calls {
            match call {
                Ok(response) => {
                    before += 1;
                    c.octets("a call before the closing", &response, &whole);
                }
                // The kernel knows the session no more, or OP-TEE does not.
                Err(Refusal::Kernel(_)) => after += 1,
                Err(refusal) => {
                    after += 1;
                    let unknown = Refusal::Tee { result: 0xffff_0006, origin: 3 };
                    c.equal("a call to a closed session", refusal, unknown);
                }
            }
        }
    }
    c.above("calls before the closing > 0", before, 0_u32);
    c.above("calls after the closing > 0", after, 0_u32);
    c.line().map(drop)
}

/// More sessions than OP-TEE has memory for.
const OPENINGS: usize = 2048;

/// Opens sessions beside `line`'s until one is refused.
fn fill(c: &mut Context, line: &Line) {
    let mut opened = 0;
    let open = || line.device.open_session(uuid(), login::PUBLIC, [0; 16], [Param::NONE; PARAMS]);
    let refusal = loop {
        match open() {
            Ok(_) if opened < OPENINGS => opened += 1,
            Ok(_) => break None,
            Err(refusal) => break Some(refusal),
        }
    };
    c.note(format!("{opened} sessions were open"));
    c.above("sessions > callers", opened as u64, CALLERS as u64);
    // `TEEC_ERROR_OUT_OF_MEMORY` from OP-TEE, if anything.
    if let Some(refusal) = refusal {
        c.equal("refusal", refusal, Refusal::Tee { result: 0xffff_000c, origin: 3 });
    }
}

fn open_until_refused(c: &mut Context) -> Verdict {
    let line = c.line()?;
    fill(c, &line);
    // With all of them open the TA still has room for the largest calls.
    c.received(&line, "a call of the first session")?;
    let epochs: Vec<_> = (1..=BATCH as u16).map(|id| fixture::epoch(GROUP, 1, OTHER, id)).collect();
    let batch = line.call(RECEIVE, &request(&Receive { items: epochs }));
    let batch = c.ok("the largest response", batch)?;
    c.equal("octets of the largest response", batch.len(), Receive::RESPONSE_MAX);
    let mut largest = [&[0, 1, 0], &fixture::encoded(&content())[..]].concat();
    largest.resize(REQUEST_MAX, 0);
    let install = TestId::Install.number();
    c.refused_by(&line, "the largest request", install, &largest, Code::ContentMalformed);
    // And for a change of the state, of which it makes copies. OP-TEE itself has no memory left
    // to open the object: that is a refusal, and the end of nothing.
    for on in [1, 0] {
        let suspend = [&[0, 1][..], &fixture::group_id(GROUP).octets(), &[on]].concat();
        let done = line.call(Id::Suspend.number(), &suspend);
        let done = c.ok("suspend", done)?;
        c.octets("suspend", &done, &Code::StoreFailed.number().to_be_bytes());
    }
    let marks = c.ta.call(&Marks);
    let marks = c.ok("marks", marks)?;
    c.above(
        "size of the heap - high-water mark > an eighth",
        marks.heap_size - marks.heap_high,
        marks.heap_size / 8,
    );
    c.note(format!("heap: {} of {} octets used at most", marks.heap_high, marks.heap_size));
    Ok(())
}

const STATEMENT: u32 = Id::Statement.number();
const IMPORT: u32 = Id::Import.number();

/// A response that is a statement, behind `head` octets.
fn is_statement(c: &mut Context, response: &[u8], head: usize, nonce: &[u8; 32]) -> Verdict {
    c.octets("code", response.get(..RESPONSE_HEAD).unwrap_or_default(), &[0; RESPONSE_HEAD]);
    let octets = response.get(RESPONSE_HEAD + head..).unwrap_or_default();
    c.verified(octets, nonce).map(drop)
}

/// All bring the same package: it is applied once.
fn imports(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.longest(manager.first + 1);
    c.equal("octets of the package", package.len(), PACKAGE_MAX);
    let nonce = [0x4e; 32];
    let (mut applied, of_package) = (0, Sha256::digest(&package).into());
    for response in at_once(c, IMPORT, &request(&Import { octets: &package }), 1)? {
        let outcome = response.get(RESPONSE_HEAD).copied();
        applied += u32::from(outcome == Some(Outcome::Applied as u8));
        let is_one = [Outcome::Applied, Outcome::Same].map(|one| Some(one as u8));
        c.that("applied, or the same", is_one.contains(&outcome));
        is_statement(c, &response, 1, &of_package)?;
    }
    c.equal("how often it was applied", applied, 1);
    for response in at_once(c, STATEMENT, &request(&GetStatement { nonce }), 1)? {
        is_statement(c, &response, 0, &nonce)?;
    }
    Ok(())
}

/// OP-TEE itself has no memory left, for a signature or to open an object: that is a
/// refusal without effect, and the end of nothing.
fn import_without_room(c: &mut Context) -> Verdict {
    let manager = c.manager()?;
    let package = manager.longest(manager.first + 1);
    let before = c.status()?;
    let line = c.line()?;
    fill(c, &line);
    let nonce = [0x4e; 32];
    for (number, request) in [
        (STATEMENT, request(&GetStatement { nonce })),
        (IMPORT, request(&Import { octets: &package })),
        (IMPORT, request(&Import { octets: manager.notice(1).octets() })),
    ] {
        let response = line.call(number, &request);
        let response = c.ok("the call", response)?;
        c.octets("its code", &response, &Code::StoreFailed.number().to_be_bytes());
    }
    drop(line);
    c.ta = c.target.client();
    let after = c.status()?;
    c.octets("start nonce", &after.start_nonce, &before.start_nonce);
    c.that("nothing has changed", lasting(&after) == lasting(&before));
    c.imported(&package, Outcome::Applied)?;
    c.statement().map(drop)
}
