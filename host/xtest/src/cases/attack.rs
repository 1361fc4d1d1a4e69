//! Suite `attack`: what whoever owns the normal world does to the device, and
//! what comes of it. Each case ends in a refusal, or in nothing, or in exactly
//! what docs/storage.md says cannot be kept from him without RPMB.
//!
//! 1000 a file of the store is deleted; 1100 changed; 1200 another device's;
//! 1300 put back alone; 1400 all of it put back; 1500 the disk is full; 2000
//! roles; 3000 states, numbers and ids; 4000 tee-supplicant dies; 5000 a
//! client dies.
//!
//! Around each case stands [`attacked`]: before it the device is enrolled, and
//! after it the store of before is put back (if anything in it is another) and works.
//! So no attack has left anything in the TA or in OP-TEE that outlives its files.

mod clients;
mod files;
mod full;
mod numbers;
mod replayed;
mod roles;
mod supplicant;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use proseal_client::error::TARGET_DEAD;
use proseal_proto::command::{Id, RESPONSE_HEAD, decode_response};
use proseal_proto::content::Content;
use proseal_proto::error::Code;
use proseal_proto::id::Generation;
use proseal_proto::message::{DeviceState, Revoke, Status, StatusReply, Suspend};
use proseal_proto::test_command::{Scope, TestId};

use super::negative::{good, request};
use crate::case::{Case, Run, Stop, Verdict};
use crate::check::Context;
use crate::derivation::expected;
use crate::device::lasting;
use crate::fixture::{self, GROUP, OTHER};
use crate::ioctl::Refusal;
use crate::line::Line;
use crate::show::Show;
use crate::store::Image;

/// All of the suite's cases.
pub(super) fn all() -> impl Iterator<Item = &'static [Case]> {
    [
        files::CASES,
        replayed::CASES,
        full::CASES,
        roles::CASES,
        numbers::CASES,
        supplicant::CASES,
        clients::CASES,
    ]
    .into_iter()
}

/// A case of an enrolled device whose store is put back afterwards.
const fn case(number: u16, title: &'static str, run: Run) -> Case {
    Case { suite: "attack", number, title, run, around: attacked }
}

const PANIC: u32 = TestId::Panic.number();
/// What a session of a dead TA gets.
const DEAD: Refusal = Refusal::Tee { result: TARGET_DEAD, origin: 3 };
/// `TEE_ERROR_CORRUPT_OBJECT`, where OP-TEE's own files are meant.
const CORRUPT: u32 = 0xf010_0001;
/// `TEEC_ERROR_SECURITY`.
const SECURITY: u32 = 0xffff_000f;

/// The sequence of [`content`].
const SEQUENCE: u64 = 7;

/// What the device holds when an attack begins: a group with two generations.
fn content() -> Content<'static> {
    with_generations(SEQUENCE, &[1, 2])
}

/// Of [`GROUP`] these generations, whose key numbers are their own.
fn with_generations(sequence: u64, generations: &[u64]) -> Content<'static> {
    let pgks = generations.iter().map(|&g| fixture::pgk(g, g as usize)).collect();
    fixture::content(sequence, vec![fixture::group(GROUP, pgks)])
}

/// The enrolled device as files. It is made once a run: to put the files back
/// takes no call.
#[derive(Clone)]
struct Good {
    image: Image,
    /// The file of the TA's state.
    state: String,
}

static GOOD: Mutex<Option<Good>> = Mutex::new(None);
/// Whether the last case has left the device as [`GOOD`] has it, so that the
/// next one need not start the TA for it.
static AS_GOOD: AtomicBool = AtomicBool::new(false);

fn attacked(c: &mut Context, run: Run) -> Verdict {
    let good = c.good()?;
    if !AS_GOOD.swap(false, Ordering::Relaxed) || c.image()? != good.image {
        good.put_back(c)?;
    }
    let before = c.status()?;
    c.guarded(run);
    // The TA may be dead, closed or another device by now: the files decide. Where they are
    // those of before, octet by octet, the TA that there is must be that device as it is.
    if c.image()? != good.image {
        good.put_back(c)?;
    }
    c.ta = c.target.client();
    let after = c.status()?;
    let is_same =
        c.that("the store of before is the device of before", same(&after) == same(&before));
    c.derives_with(&[1, 2])?;
    AS_GOOD.store(is_same, Ordering::Relaxed);
    Ok(())
}

impl Good {
    fn put_back(&self, c: &mut Context) -> Verdict {
        c.forget();
        let put = self.image.put_back();
        c.ok("putting the store back", put)
    }
}

/// The whole response to a good `receive`.
fn keys_of_good_receive() -> Vec<u8> {
    let keys = expected(&fixture::pgk(1, 1), &fixture::epoch(GROUP, 1, OTHER, 1));
    // code 4, count 2, code 4, IK, CK
    [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0], &keys.ik[..], &keys.ck].concat()
}

/// A status but for what each start and each epoch changes.
fn same(status: &StatusReply) -> StatusReply {
    let mut same = StatusReply { start_nonce: [0; 32], ..lasting(status) };
    let pgks = same.groups.iter_mut().flat_map(|group| &mut group.pgks);
    pgks.for_each(|pgk| pgk.epochs_left = 0);
    same
}

/// What the device is found to be after an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// No session opens, by this result of OP-TEE.
    Closed(u32),
    Factory,
    Damaged,
    /// Enrolled; of [`GROUP`] it holds these generations, with this `next`.
    Holding {
        sequence: u64,
        generations: Vec<u64>,
        next: u64,
        suspended: bool,
    },
}

impl Found {
    /// As [`content`] has it.
    fn whole() -> Self {
        Self::holding(SEQUENCE, &[1, 2], 3)
    }

    fn holding(sequence: u64, generations: &[u64], next: u64) -> Self {
        Self::Holding { sequence, generations: generations.to_vec(), next, suspended: false }
    }

    /// The same, suspended.
    fn suspended(mut self) -> Self {
        if let Self::Holding { suspended, .. } = &mut self {
            *suspended = true;
        }
        self
    }
}

impl Show for Found {
    fn show(&self) -> String {
        match self {
            Self::Closed(result) => {
                format!("closed: {}", Refusal::Tee { result: *result, origin: 3 }.show())
            }
            other => format!("{other:?}"),
        }
    }
}

impl Context {
    /// The enrolled device, made if this run has not had one yet.
    #[track_caller]
    fn good(&mut self) -> Result<Good, Stop> {
        let made = GOOD.lock().ok().and_then(|good| good.clone());
        if let Some(good) = made {
            self.void_what_was_left()?;
            return Ok(good);
        }
        self.fresh()?;
        let empty = self.image()?;
        self.applied(Scope::Whole, &content())?;
        // A block of PTK Ids is reserved, as on a device in use.
        let sent = self.send(GROUP, 1);
        self.ok("send", sent)?;
        let image = self.image()?;
        let state = image.new_since(&empty);
        let state = self.some("the one file that the state is in", state)?;
        let good = Good { image, state };
        if let Ok(mut place) = GOOD.lock() {
            *place = Some(good.clone());
        }
        Ok(good)
    }

    /// The store's files as they are now.
    #[track_caller]
    fn image(&mut self) -> Result<Image, Stop> {
        let image = Image::take();
        self.ok("reading the store's files", image)
    }

    /// The TA forgets all, as after a reboot: it ends, and is not loaded again
    /// before the next session opens. Where none opens there is none.
    fn forget(&mut self) {
        if let Ok(line) = Line::open() {
            let result = line.call(PANIC, &good(PANIC));
            self.equal("panic", result.map(drop), Err(DEAD));
        }
        // The dead instance goes with its last session.
        self.ta = self.target.client();
    }

    /// Suspends or resumes, which the administrator may: one write of the state.
    #[track_caller]
    fn suspend(&mut self, on: bool) -> Verdict {
        let line = Line::open();
        let line = self.ok("opening a session", line)?;
        let suspend = Suspend { group: fixture::group_id(GROUP), on };
        let response = line.call(Id::Suspend.number(), &request(&suspend));
        let response = self.ok("suspend", response)?;
        self.octets("its code", &response, &[0; RESPONSE_HEAD]);
        Ok(())
    }

    /// Ends generation 1.
    fn revoke_first(&mut self) -> Verdict {
        let (group, below) = (fixture::group_id(GROUP), fixture::generation(2));
        let revoked = self.ta.call(&Revoke { group, below });
        self.ok("revoke", revoked).map(drop)
    }

    /// Looks at the device below the client, which would call again if the TA
    /// died of the look.
    #[track_caller]
    fn look(&mut self) -> Result<Found, Stop> {
        self.ta = self.target.client();
        let line = match Line::open() {
            Err(Refusal::Tee { result, origin: 3 }) => return Ok(Found::Closed(result)),
            opened => self.ok("opening a session", opened)?,
        };
        let response = line.call(Id::Status.number(), &good(Id::Status.number()));
        let response = self.ok("status", response)?;
        let status = decode_response::<Status>(&response);
        let status = self.some("a status", status.ok())?;
        let group = status.groups.iter().find(|group| group.group == fixture::group_id(GROUP));
        Ok(match status.state {
            DeviceState::Factory => Found::Factory,
            DeviceState::Damaged => Found::Damaged,
            DeviceState::Enrolled => Found::Holding {
                sequence: status.sequence,
                generations: group.map_or_else(Vec::new, |group| {
                    group.pgks.iter().map(|pgk| pgk.generation.get()).collect()
                }),
                next: group.map_or(0, |group| group.next),
                suspended: group.is_some_and(|group| group.suspended),
            },
        })
    }

    /// Expects the device to be this, and to behave so.
    #[track_caller]
    fn expect(&mut self, what: &str, found: &Found) -> Verdict {
        let look = self.look()?;
        if !self.equal(what, &look, found) {
            return Err(Stop::Failed);
        }
        match found {
            Found::Closed(_) => Ok(()),
            Found::Factory => {
                self.derives_nothing(Code::WrongState);
                Ok(())
            }
            Found::Damaged => self.is_dead_to_all(),
            Found::Holding { generations, suspended: true, .. } => {
                self.gives_no_key(generations, Code::Suspended)
            }
            Found::Holding { generations, .. } => self.derives_with(generations),
        }
    }

    /// Neither `send` nor `receive` gives a key, of any generation that there
    /// was.
    #[track_caller]
    fn derives_nothing(&mut self, code: Code) {
        for generation in 1..=5 {
            let sent = self.send(GROUP, generation);
            self.refused("send", sent, code);
            let received = self.receive(vec![fixture::epoch(GROUP, generation, OTHER, 5)]);
            self.refused("receive", received, code);
        }
    }

    /// A damaged device: nothing but an erase changes that.
    #[track_caller]
    fn is_dead_to_all(&mut self) -> Verdict {
        self.derives_nothing(Code::Damaged);
        let installed = self.install(Scope::Whole, &with_generations(SEQUENCE + 1, &[1]));
        self.refused("install", installed, Code::Damaged);
        let group = fixture::group_id(GROUP);
        let revoked = self.ta.call(&Revoke { group, below: Generation::FIRST });
        self.refused("revoke", revoked, Code::Damaged);
        let resumed = self.ta.call(&Suspend { group, on: false });
        self.refused("resume", resumed, Code::Damaged);
        let state = self.status()?.state;
        self.equal("device state after all that", state, DeviceState::Damaged);
        Ok(())
    }

    /// The keys of these generations, the right ones, and of no others.
    #[track_caller]
    fn derives_with(&mut self, generations: &[u64]) -> Verdict {
        let all = 1..=5;
        let others: Vec<u64> = all.filter(|generation| !generations.contains(generation)).collect();
        self.gives_no_key(&others, Code::UnknownGeneration)?;
        for &generation in generations {
            let epoch = fixture::epoch(GROUP, generation, OTHER, 5);
            let keys = self.receive_one(epoch)?;
            let right = expected(&fixture::pgk(generation, generation as usize), &epoch);
            self.octets("IK", keys.ik.expose(), &right.ik);
            self.octets("CK", keys.ck.expose(), &right.ck);
        }
        Ok(())
    }

    /// Neither `send` nor `receive` gives a key of these generations, for this
    /// reason.
    #[track_caller]
    fn gives_no_key(&mut self, generations: &[u64], code: Code) -> Verdict {
        for &generation in generations {
            let sent = self.send(GROUP, generation);
            self.refused("send", sent, code);
            let items = self.receive(vec![fixture::epoch(GROUP, generation, OTHER, 5)]);
            let items = self.ok("receive", items)?;
            let codes: Vec<_> = items.iter().map(|item| item.as_ref().err().copied()).collect();
            self.equal("what `receive` gives", codes, vec![Some(code)]);
        }
        Ok(())
    }
}
