//! 2000: who may call what, in each state of the device. The tables are
//! written from docs/commands.md, and not from the code that they judge.

use std::os::unix::fs::MetadataExt;

use proseal_proto::command::{Id, RESPONSE_HEAD};
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::message::Suspend;
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Scope, TestId};
use rustix::io::Errno;

use super::{DEAD, Found, PANIC, case, content};
use crate::case::{Case, Verdict};
use crate::cases::negative::{ALL, good, request};
use crate::check::Context;
use crate::fixture::{self, GROUP};
use crate::ioctl::{Device, PARAMS, Param, Refusal, kind, login};
use crate::line::{Line, group_data, open_as, uuid};
use crate::show::Show;
use crate::store::path;

pub(super) const CASES: &[Case] = &[
    case(2001, "a factory device: each role gets each command's own answer", factory),
    case(2002, "an enrolled device: each role gets each command's own answer", enrolled),
    case(2003, "a damaged device: each role gets each command's own answer", damaged),
    case(2004, "logins without a role open no session, in no state of the device", logins),
    case(2005, "a session's number is worth nothing to another process", other_descriptor),
    case(2006, "a session keeps its role through all that happens to the device", kept_role),
];

/// What a call gets.
#[derive(Clone, Copy)]
enum Answer {
    /// Code 0.
    Done,
    /// This code.
    No(Code),
    /// The TA ends.
    Death,
}

const OK: Answer = Answer::Done;
/// The role may not call it.
const NP: Answer = Answer::No(Code::NotPermitted);
/// The device is factory.
const WS: Answer = Answer::No(Code::WrongState);
/// The device is damaged.
const DM: Answer = Answer::No(Code::Damaged);
/// All was in order but for the device's id, which is another on purpose: what
/// would change the device for the rows below asks for that.
const WD: Answer = Answer::No(Code::WrongDevice);
/// There is no such command.
const UC: Answer = Answer::No(Code::UnknownCommand);
const END: Answer = Answer::Death;

/// A command, and what public, daemon and administrator get for it on a
/// factory device, an enrolled one, a damaged one.
type Row = (&'static str, u32, [[Answer; 3]; 3]);

const SUSPEND: u32 = Id::Suspend.number();
const INSTALL: u32 = TestId::Install.number();

/// All numbers of the table in docs/commands.md, and some beyond. What changes the
/// device stands last, and `panic` after that: nothing answers then.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                        factory         enrolled        damaged
    //                        P   D   A       P   D   A       P   D   A
    ("no command",    0,    [[UC, UC, UC],   [UC, UC, UC],   [UC, UC, UC]]),
    ("version",       1,    [[OK, OK, OK],   [OK, OK, OK],   [OK, OK, OK]]),
    // Enrolled in clear, which is without a manager.
    ("import",        4,    [[NP, WS, WS],   [NP, WS, WS],   [NP, DM, DM]]),
    ("status",        5,    [[NP, OK, OK],   [NP, OK, OK],   [NP, OK, OK]]),
    ("send",          6,    [[NP, WS, NP],   [NP, OK, NP],   [NP, DM, NP]]),
    ("receive",       7,    [[NP, WS, NP],   [NP, OK, NP],   [NP, DM, NP]]),
    ("admission",     8,    [[NP, WS, NP],   [NP, OK, NP],   [NP, DM, NP]]),
    ("suspend",       9,    [[NP, WS, WS],   [NP, OK, OK],   [NP, DM, DM]]),
    ("resume",        9,    [[NP, WS, WS],   [NP, NP, OK],   [NP, DM, DM]]),
    ("revoke",        10,   [[NP, NP, WS],   [NP, NP, OK],   [NP, NP, DM]]),
    ("events",        11,   [[NP, NP, WS],   [NP, NP, OK],   [NP, NP, DM]]),
    ("erase",         12,   [[NP, NP, WD],   [NP, NP, WD],   [NP, NP, WD]]),
    ("no command",    13,   [[UC, UC, UC],   [UC, UC, UC],   [UC, UC, UC]]),
    ("no command",  0x8000, [[UC, UC, UC],   [UC, UC, UC],   [UC, UC, UC]]),
    ("install",     0x8001, [[NP, NP, WD],   [NP, NP, WD],   [NP, NP, DM]]),
    ("set floor",   0x8002, [[NP, NP, WS],   [NP, NP, OK],   [NP, NP, DM]]),
    ("marks",       0x8004, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("hkdf",        0x8005, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("echo",        0x8006, [[NP, OK, OK],   [NP, OK, OK],   [NP, OK, OK]]),
    ("hmac",        0x8007, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("kdf",         0x8008, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("gcm open",    0x8009, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("hpke open",   0x800a, [[NP, NP, OK],   [NP, NP, OK],   [NP, NP, OK]]),
    ("no command",  0x800b, [[UC, UC, UC],   [UC, UC, UC],   [UC, UC, UC]]),
    ("no command", u32::MAX,[[UC, UC, UC],   [UC, UC, UC],   [UC, UC, UC]]),
    ("statement",     2,    [[NP, OK, OK],   [NP, OK, OK],   [NP, DM, DM]]),
    ("enrol",         3,    [[NP, NP, OK],   [NP, NP, WS],   [NP, NP, DM]]),
    ("panic",       0x8003, [[NP, NP, END],  [NP, NP, END],  [NP, NP, END]]),
];

/// The request of a row: one to which only the role and the state can object.
fn request_of(name: &str, number: u32) -> Vec<u8> {
    match number {
        SUSPEND => request(&Suspend { group: fixture::group_id(GROUP), on: name == "suspend" }),
        INSTALL => {
            let other = Content { device: DeviceId([0xe5; 16]), ..content() };
            request(&Install { scope: Scope::Whole, content: &fixture::encoded(&other) })
        }
        number => good(number),
    }
}

/// Walks all of the table in one state of the device.
fn walk(c: &mut Context, state: usize) -> Verdict {
    let unlisted: Vec<_> =
        ALL.into_iter().filter(|number| !TABLE.iter().any(|row| row.1 == *number)).collect();
    c.equal("commands that the table lacks", unlisted, Vec::new());
    let line = Line::open();
    let line = c.ok("opening a daemon's and an administrator's session", line)?;
    let public = open_as(&line.device, Role::Public);
    let public = c.ok("opening a public session", public)?;
    let [daemon, administrator] = line.sessions();
    let sessions = [("public", public), ("daemon", daemon), ("administrator", administrator)];
    for (name, number, expected) in TABLE {
        let request = request_of(name, *number);
        for ((role, session), expected) in sessions.into_iter().zip(expected[state]) {
            let answer = line.call_in(session, *number, &request, RESPONSE_MAX);
            let what = format!("{name} ({number:#x}) by {role}");
            answered(c, &what, &answer, expected);
        }
    }
    Ok(())
}

fn answered(c: &mut Context, what: &str, answer: &Result<Vec<u8>, Refusal>, expected: Answer) {
    let head = |answer: &Vec<u8>| answer.get(..RESPONSE_HEAD).map(<[u8]>::to_vec);
    match (answer, expected) {
        (Ok(response), Answer::Done) => c.equal(what, code(head(response)), code(Some(vec![0; 4]))),
        (Ok(response), Answer::No(wanted)) => {
            c.octets(what, response, &wanted.number().to_be_bytes())
        }
        (Err(refusal), Answer::Death) => c.equal(what, *refusal, DEAD),
        (answer, Answer::Done | Answer::No(_)) => {
            c.that(&format!("{what}: {}", answer.show()), false)
        }
        (Ok(_), Answer::Death) => c.that(&format!("{what} ends the TA"), false),
    };
}

/// The code of a response, by its name.
fn code(head: Option<Vec<u8>>) -> String {
    let number = head.and_then(|head| Some(u32::from_be_bytes(head.try_into().ok()?)));
    match number {
        None => String::from("no code"),
        Some(0) => String::from("done"),
        Some(number) => {
            Code::from_number(number).map_or_else(|| number.to_string(), |code| code.show())
        }
    }
}

fn factory(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.expect("the device", &Found::Factory)?;
    walk(c, 0)
}

fn enrolled(c: &mut Context) -> Verdict {
    c.expect("the device", &Found::whole())?;
    walk(c, 1)
}

/// Makes the device damaged.
fn damage(c: &mut Context) -> Verdict {
    let good = c.good()?;
    c.forget();
    c.ok("emptying the state's file", std::fs::write(path(&good.state), b""))?;
    c.expect("the device", &Found::Damaged)
}

fn damaged(c: &mut Context) -> Verdict {
    damage(c)?;
    walk(c, 2)
}

/// `TEEC_ERROR_ACCESS_DENIED` from the TA.
const DENIED: Refusal = Refusal::Tee { result: 0xffff_0001, origin: 4 };
/// Groups of which nobody is a member: beside those that have a role.
const NOBODYS: [u32; 2] = [872, 64_123];

fn refused_logins(c: &mut Context) -> Verdict {
    let own = std::fs::metadata("/proc/self").map(|process| process.gid());
    let own = c.ok("the caller's group", own)?;
    let not_allowed = Refusal::Kernel(Errno::PERM);
    let not_there = Refusal::Kernel(Errno::INVAL);
    let device = Device::open().map_err(Refusal::Kernel);
    let device = c.ok("opening the TEE", device)?;
    for (what, login, group, expected) in [
        ("a user", login::USER, 0, DENIED),
        ("a group without a role", login::GROUP, own, DENIED),
        ("a group of others", login::GROUP, NOBODYS[0], not_allowed),
        ("a group of nobody", login::GROUP, NOBODYS[1], not_allowed),
        ("an application", login::APPLICATION, 0, not_there),
        ("a user's application", login::USER_APPLICATION, 0, not_there),
        // Also with a group that has a role.
        ("a group's application", login::GROUP_APPLICATION, 871, not_there),
        ("the kernel", login::KERNEL, 0, not_allowed),
    ] {
        let opened = device.open_session(uuid(), login, group_data(group), [Param::NONE; PARAMS]);
        c.equal(&format!("a login as {what}"), opened.map(drop), Err(expected));
    }
    Ok(())
}

fn logins(c: &mut Context) -> Verdict {
    c.part("enrolled", refused_logins);
    c.part("damaged", |c| {
        damage(c)?;
        refused_logins(c)?;
        c.expect("the device", &Found::Damaged)
    });
    c.part("factory", |c| {
        c.fresh()?;
        refused_logins(c)?;
        c.expect("the device", &Found::Factory)
    });
    Ok(())
}

/// A session belongs to the descriptor that opened it: its number, which is
/// small and easy to guess, opens nothing for others.
fn other_descriptor(c: &mut Context) -> Verdict {
    let line = Line::open();
    let line = c.ok("opening the sessions", line)?;
    let other = Device::open().map_err(Refusal::Kernel);
    let other = c.ok("opening the TEE once more", other)?;
    let public = open_as(&other, Role::Public);
    c.ok("opening a public session there", public)?;
    let memory = [other.memory(4096), other.memory(RESPONSE_MAX)];
    let [input, output] = memory.map(|memory| memory.map_err(Refusal::Kernel));
    let (input, output) = (c.ok("memory", input)?, c.ok("memory", output)?);
    for session in line.sessions() {
        for number in ALL.into_iter().filter(|&number| number != Id::Version.number()) {
            let request = good(number);
            input.put(0, &request);
            let mut params = [
                Param::part(kind::INPUT, &input, 0, request.len() as u64),
                Param::part(kind::OUTPUT, &output, 0, RESPONSE_MAX as u64),
                Param::NONE,
                Param::NONE,
            ];
            let called = other.invoke(session, number, &mut params);
            let what = format!("command {number:#x} by another's session");
            c.equal(&what, called, Err(Refusal::Kernel(Errno::INVAL)));
        }
        let closed = other.close_session(session).map_err(Refusal::Kernel);
        c.equal("closing another's session", closed, Err(Refusal::Kernel(Errno::INVAL)));
    }
    // They are as they were.
    for number in [Id::Status.number(), PANIC] {
        let called = line.call(number, &good(number));
        let expected = if number == PANIC { Answer::Death } else { Answer::Done };
        answered(c, "the own session", &called, expected);
    }
    Ok(())
}

fn kept_role(c: &mut Context) -> Verdict {
    let device = Line::open();
    let line = c.ok("opening the sessions", device)?;
    let [daemon, _] = line.sessions();
    let erase = request(&proseal_proto::message::Erase { device: DeviceId::NONE });
    let by_daemon =
        |number: u32, request: &[u8]| line.call_in(daemon, number, request, RESPONSE_MAX);
    let number = Id::Erase.number();
    answered(c, "erase by the daemon", &by_daemon(number, &erase), NP);
    answered(c, "erase by the administrator", &line.call(number, &erase), OK);
    answered(c, "erase by the daemon of a factory device", &by_daemon(number, &erase), NP);
    let content = fixture::encoded(&content());
    let install = request(&Install { scope: Scope::Whole, content: &content });
    answered(c, "install by the daemon", &by_daemon(INSTALL, &install), NP);
    answered(c, "install by the administrator", &line.call(INSTALL, &install), OK);
    let send = Id::Send.number();
    answered(c, "send by the daemon's session of before", &by_daemon(send, &good(send)), OK);
    Ok(())
}
