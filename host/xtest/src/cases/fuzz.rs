//! Suite `fuzz`: random calls below libteec, from good ones on: any command,
//! any parameters, changed octets, also while the call is under way, and
//! sessions and states that come and go. Whatever happens, the TA lives.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proseal_client::error::TARGET_DEAD;
use proseal_proto::command::{Command, RESPONSE_HEAD, decode_response};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::message::{Erase, Status};
use proseal_proto::role::Role;
use proseal_proto::test_command::{Install, Scope, TestId};

use super::negative::{ALL, content, good, request};
use crate::case::{Case, Stop, Verdict, plainly};
use crate::check::Context;
use crate::derivation::expected;
use crate::fixture::{self, GROUP, OTHER};
use crate::ioctl::{NO_MEMORY, PARAMS, Param, Refusal, kind, login};
use crate::line::{Line, group_data, uuid};
use crate::random::Random;
use crate::show::dump;

pub(super) const CASES: &[Case] = &[Case {
    suite: "fuzz",
    number: 1001,
    title: "no call whatever ends the TA, or writes beyond its room",
    run: random_calls,
    around: plainly,
}];

/// How long, at level 0; each level adds more, so that 15 is ten minutes.
const SHORT: Duration = Duration::from_secs(2);
const LEVEL: Duration = Duration::from_secs(40);
/// Sessions beside the line's own.
const SESSIONS: usize = 8;

/// How a call ended, for the count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Success,
    Code(u32),
    Entry(u32),
    Kernel,
}

fn random_calls(c: &mut Context) -> Verdict {
    c.note(format!("seed {:#x}: --seed repeats the calls, but not the races", c.seed));
    c.fresh()?;
    c.applied(Scope::Whole, &content())?;
    let line = Line::open();
    let line = c.ok("opening a session", line)?;
    let end = Instant::now() + if c.level == 0 { SHORT } else { LEVEL * c.level };

    let mut fuzzer = Fuzzer::new(&line, c.seed);
    let (over, race) = (AtomicBool::new(false), AtomicBool::new(false));
    let result = thread::scope(|scope| {
        scope.spawn(|| race_requests(&line, &over, &race));
        let mut result = Ok(());
        while result.is_ok() && Instant::now() < end {
            result = fuzzer.step(&race);
        }
        over.store(true, Ordering::Relaxed);
        result
    });
    let calls: u64 = fuzzer.endings.values().sum();
    c.note(format!("{calls} calls: {}", fuzzer.endings()));
    if let Err(fault) = result {
        c.that(&format!("call {calls}: {fault}"), false);
        return Err(Stop::Failed);
    }
    // It has met both worlds: else it tests nothing.
    c.that("some calls succeeded", fuzzer.endings.contains_key(&Ending::Success));
    c.that("some were refused by a command", fuzzer.met(|e| matches!(e, Ending::Code(_))));
    c.that("some were refused before", fuzzer.met(|e| matches!(e, Ending::Entry(_))));
    drop(line);
    answers(c)
}

/// The next good calls, from a new state.
fn answers(c: &mut Context) -> Verdict {
    c.fresh()?;
    c.applied(Scope::Whole, &content())?;
    let epoch = fixture::epoch(GROUP, 1, OTHER, 9);
    let keys = c.receive_one(epoch)?;
    c.octets("IK", keys.ik.expose(), &expected(&fixture::pgk(1, 0), &epoch).ik);
    Ok(())
}

/// Changes the request memory again and again while `race` says so.
fn race_requests(line: &Line, over: &AtomicBool, race: &AtomicBool) {
    let mut random = Random::new(0);
    while !over.load(Ordering::Relaxed) {
        if race.load(Ordering::Relaxed) {
            let at = random.below(256);
            line.request.put(at, &[random.octet()]);
        } else {
            thread::yield_now();
        }
    }
}

struct Fuzzer<'l> {
    line: &'l Line,
    random: Random,
    sessions: Vec<u32>,
    /// Sequence of the last content that was brought.
    sequence: u64,
    /// The device's id, as `status` last had it.
    device: DeviceId,
    endings: BTreeMap<Ending, u64>,
}

impl<'l> Fuzzer<'l> {
    fn new(line: &'l Line, seed: u64) -> Self {
        let sessions = Vec::new();
        let (random, endings) = (Random::new(seed), BTreeMap::new());
        Self { line, random, sessions, sequence: 100, device: DeviceId::NONE, endings }
    }

    /// One random thing; what must not be.
    fn step(&mut self, race: &AtomicBool) -> Result<(), String> {
        match self.random.below(100) {
            0..2 => self.open(),
            2..4 => self.close(),
            _ => self.call(race),
        }
    }

    fn open(&mut self) -> Result<(), String> {
        let random = &mut self.random;
        let mut uuid = uuid();
        if random.once_in(4) {
            uuid[random.below(16)] ^= 1 << random.below(8);
        }
        let any = random.next() as u32;
        let login = random.one(&[
            login::PUBLIC,
            login::PUBLIC,
            login::USER,
            login::GROUP,
            login::GROUP,
            any,
        ]);
        let client = match random.below(4) {
            0 => [random.octet(); 16],
            1 => group_data(random.next() as u32),
            2 => group_data(Role::Daemon.gid().unwrap_or_default()),
            _ => group_data(Role::Administrator.gid().unwrap_or_default()),
        };
        let params = if random.once_in(4) { self.any_params(0) } else { [Param::NONE; PARAMS] };
        match self.line.device.open_session(uuid, login, client, params) {
            Ok(session) if self.sessions.len() < SESSIONS => self.sessions.push(session),
            Ok(session) => drop(self.line.device.close_session(session)),
            Err(refusal) => self.alive(refusal)?,
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        if self.sessions.is_empty() || self.random.once_in(4) {
            // One that does not exist, hardly ever the line's own.
            let session = self.random.next() as u32 | 1 << 20;
            let _ = self.line.device.close_session(session);
        } else {
            let at = self.random.below(self.sessions.len());
            let _ = self.line.device.close_session(self.sessions.swap_remove(at));
        }
        Ok(())
    }

    fn call(&mut self, race: &AtomicBool) -> Result<(), String> {
        let number = self.number();
        let octets = self.octets(number);
        self.line.request.put(0, &octets);
        self.line.poison();
        let mut params = if self.random.once_in(4) {
            self.any_params(octets.len())
        } else {
            [
                Param::part(kind::INPUT, &self.line.request, 0, octets.len() as u64),
                Param::part(kind::OUTPUT, &self.line.response, 0, RESPONSE_MAX as u64),
                Param::NONE,
                Param::NONE,
            ]
        };
        let session = match self.random.below(20) {
            0 => self.random.next() as u32,
            1..6 if !self.sessions.is_empty() => self.random.one(&self.sessions),
            _ => self.line.session(number),
        };
        race.store(self.random.once_in(3), Ordering::Relaxed);
        let result = self.line.device.invoke(session, number, &mut params);
        race.store(false, Ordering::Relaxed);
        match result {
            Ok(()) => self.responded(number, &params),
            Err(refusal) => self.alive(refusal).map_err(|fault| {
                format!("{fault} after command {number:#x}, {params:x?}\n{}", dump(&octets))
            }),
        }
    }

    /// Any command but the one that ends the TA.
    fn number(&mut self) -> u32 {
        let any = self.random.next() as u32;
        let near = self.random.below(0x20) as u32;
        let known = self.random.one(&ALL);
        let number = match self.random.below(10) {
            0 => any,
            1 => self.random.one(&[near, TestId::FIRST + near]),
            _ => known,
        };
        if number == TestId::Panic.number() { TestId::Marks.number() } else { number }
    }

    /// A good request of a command, mostly changed.
    fn octets(&mut self, number: u32) -> Vec<u8> {
        let mut octets = match self.random.below(200) {
            0 if number == Erase::NUMBER => request(&Erase { device: self.device }),
            1..12 if number == Install::NUMBER => {
                self.sequence += 1;
                let mut content = content();
                (content.sequence, content.device) = (self.sequence, self.device);
                let content = fixture::encoded(&content);
                request(&Install { scope: Scope::Whole, content: &content })
            }
            2..20 => good(self.random.one(&ALL)),
            _ => good(number),
        };
        let random = &mut self.random;
        for _ in 0..random.one(&[0, 0, 1, 1, 2, 8]) {
            let at = random.below(octets.len());
            match random.below(8) {
                0 => octets.truncate(at),
                1 => octets.resize(octets.len() + random.below(64), random.octet()),
                2 => octets.resize(octets.len() + random.below(16_384), random.octet()),
                3 => octets.insert(at, random.octet()),
                4 if at < octets.len() => octets[at] ^= 1 << random.below(8),
                5 if at < octets.len() => drop(octets.remove(at)),
                _ if at < octets.len() => octets[at] = random.octet(),
                _ => {}
            }
        }
        octets
    }

    /// Parameters of any kind, of which some may be right.
    fn any_params(&mut self, len: usize) -> [Param; PARAMS] {
        let line = self.line;
        std::array::from_fn(|at| {
            let random = &mut self.random;
            let any = random.next();
            let good = [kind::INPUT, kind::OUTPUT, kind::NONE, kind::NONE][at];
            let odd = random.one(&[4, 8, 0x100, any]);
            let kind = random.one(&[good, good, good, random_kind(any), random_kind(any), odd]);
            let memory = random.one(&[&line.request, &line.response]);
            let sizes = [0, 1, 4, len as u64, memory.len(), memory.len() + 1, any >> 50, any];
            let (offset, size) = (random.one(&[0, 0, 0, 1, any >> 51, any]), random.one(&sizes));
            match random.below(8) {
                0 => Param { kind, a: any, b: any >> 7, c: any >> 13 },
                1 => Param { kind, a: offset, b: size, c: NO_MEMORY },
                _ => Param::part(kind, memory, offset, size),
            }
        })
    }

    /// A response that was written: is it one, and is it all?
    fn responded(&mut self, number: u32, params: &[Param; PARAMS]) -> Result<(), String> {
        let (line, room) = (self.line, params[1]);
        if !line.is_response(&room) {
            // Written over a request, perhaps raced against: nothing to tell.
            return self.ended(Ending::Success);
        }
        let (from, len) = (room.a as usize, room.b as usize);
        if !line.untouched_from(from + len) || !line.untouched_before(from) {
            return Err(format!("octets outside of {len} from {from} were written"));
        }
        let response = line.response.take(from, len);
        let Some(&code) = response.first_chunk::<RESPONSE_HEAD>() else {
            return Err(format!("a response of {len} octets"));
        };
        match u32::from_be_bytes(code) {
            0 => {
                if number == Status::NUMBER
                    && let Ok(status) = decode_response::<Status>(&response)
                {
                    self.device = status.device;
                }
                self.ended(Ending::Success)
            }
            code if Code::from_number(code).is_none() => Err(format!("code {code:#x}")),
            code if len != RESPONSE_HEAD => Err(format!("code {code:#x} and {len} octets")),
            code => self.ended(Ending::Code(code)),
        }
    }

    /// A call that got no response: not by the death of the TA?
    fn alive(&mut self, refusal: Refusal) -> Result<(), String> {
        match refusal {
            Refusal::Tee { result: TARGET_DEAD, .. } => Err(String::from("the TA is dead")),
            Refusal::Tee { result, .. } => self.ended(Ending::Entry(result)),
            Refusal::Kernel(_) => self.ended(Ending::Kernel),
        }
    }

    fn ended(&mut self, ending: Ending) -> Result<(), String> {
        *self.endings.entry(ending).or_default() += 1;
        Ok(())
    }

    fn met(&self, ending: impl Fn(&Ending) -> bool) -> bool {
        self.endings.keys().any(ending)
    }

    fn endings(&self) -> String {
        let name = |ending: &Ending| match *ending {
            Ending::Success => String::from("success"),
            Ending::Code(code) => Code::from_number(code).map_or("?", Code::name).to_owned(),
            Ending::Entry(result) => format!("{result:#x}"),
            Ending::Kernel => String::from("kernel"),
        };
        let each = self.endings.iter().map(|(ending, count)| format!("{} {count}", name(ending)));
        each.collect::<Vec<_>>().join(", ")
    }
}

fn random_kind(any: u64) -> u64 {
    kind::ALL[(any % kind::ALL.len() as u64) as usize]
}
