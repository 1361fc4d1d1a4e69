//! A manager for cases: it enrols the device, and makes packages and notices
//! for it, good ones and such with one fault.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proseal_issuer::testing::{Fixed, Value, fault};
use proseal_issuer::{
    Delegation, DesiredState, DeviceKeys, Group, GroupKey, ManagerId, Notice, Pgk, RootKey, Signer,
    SignerKey, SignerVersion, Statement, Trust,
};
use proseal_proto::error::Code;
use proseal_proto::limit;
use proseal_proto::message::{
    DeviceState, Enrol, GetStatement, GroupStatus, Import, ImportReply, Outcome, StatusReply,
};

use crate::case::{Stop, Verdict};
use crate::check::Context;
use crate::device::lasting;
use crate::fixture::{self, GROUP, MEMBER, TIME};
#[cfg(feature = "optee")]
use crate::store::Image;

/// The manager's id.
pub(crate) const MANAGER: ManagerId = ManagerId([0x3a; 16]);
/// The version of its first signer.
const VERSION: u32 = 5;
/// A caller's nonce.
const NONCE: [u8; 32] = [0x0e; 32];

/// The public keys of the device that was met last: of one device they are the same
/// in all cases, and to ask costs a signature.
static KEYS: Mutex<Option<DeviceKeys>> = Mutex::new(None);

/// What the device was (but for its time) when something without a fault was last applied.
/// Its start, its sequence and its signer are in it, and what it holds.
pub(crate) struct LastGood(Mutex<Option<StatusReply>>);

impl LastGood {
    pub(crate) const fn none() -> Self {
        Self(Mutex::new(None))
    }
}

/// Of [`Manager::plain`].
static PLAIN: LastGood = LastGood::none();

/// The manager, and the device that is enrolled with it.
pub(crate) struct Manager {
    pub(crate) root: RootKey,
    pub(crate) signer: Signer,
    pub(crate) device: DeviceKeys,
    /// Of the device's last package.
    pub(crate) sequence: u64,
    /// The generation that the device holds of [`GROUP`]; the next ones may come in.
    pub(crate) first: u64,
    /// Its signer's version.
    pub(crate) version: u32,
}

/// The root key of the manager with this number.
pub(crate) fn root(number: u8) -> RootKey {
    RootKey::from_seed(&[0x40 | number; 32])
}

/// The signer whom `root` names with `version` for `manager`.
pub(crate) fn signer(root: &RootKey, version: u32, manager: ManagerId) -> Signer {
    let key = SignerKey::from_seed(&[version.to_le_bytes()[0]; 32]);
    let version = SignerVersion::new(version).expect("the version is not 0");
    let delegation = Delegation::sign(root, key.public(), version, manager);
    Signer::new(key, delegation).expect("the delegation names this key")
}

/// One group of a package; `next` lets in all of `pgks`.
pub(crate) fn group(group: u32, pgks: Vec<Pgk>) -> Group {
    let next = pgks.first().map_or(fixture::generation(1), |pgk| pgk.generation);
    let (group, member) = (fixture::group_id(group), fixture::member(MEMBER));
    Group { group, member, next, may_send: true, pgks }
}

/// The number of the key of a generation of [`GROUP`]; the numbers from 64 on are
/// left to others.
pub(crate) const fn key_of(generation: u64) -> usize {
    (generation % 60) as usize
}

/// A PGK with key number `at`, as [`fixture::pgk`] has it.
pub(crate) fn pgk_with(generation: u64, at: usize) -> Pgk {
    let pgk = fixture::pgk(generation, at);
    let key = GroupKey::from_octets(pgk.key);
    let (generation, id, is_root, policy) = (pgk.generation, pgk.id, pgk.is_root, pgk.policy);
    Pgk { generation, id, key, is_root, policy }
}

/// The PGK of a generation of [`GROUP`].
pub(crate) fn pgk(generation: u64) -> Pgk {
    pgk_with(generation, key_of(generation))
}

impl Manager {
    /// A later state than the last: these groups.
    pub(crate) fn state(&self, groups: Vec<Group>) -> DesiredState {
        DesiredState { sequence: self.sequence + 1, time: TIME, start_nonce: None, groups }
    }

    /// A later state than the last: of [`GROUP`] the generations that are so many after
    /// [`Self::first`].
    pub(crate) fn holding(&self, offsets: &[u64]) -> DesiredState {
        let pgks = offsets.iter().map(|offset| pgk(self.first + offset));
        self.state(vec![group(GROUP, pgks.collect())])
    }

    /// The one that most cases begin with.
    pub(crate) fn plain(&self) -> DesiredState {
        self.holding(&[0])
    }

    /// As many groups as fit, with as many PGKs, of the generations from `first` on;
    /// those of group number `g` have the keys from 64 + 4 `g` on.
    pub(crate) fn largest(&self, first: u64) -> DesiredState {
        let groups = (0..limit::GROUPS).map(|g| {
            let pgks =
                (0..limit::PGKS).map(|p| pgk_with(first + p as u64, 64 + g * limit::PGKS + p));
            group(fixture::numbered_group(g), pgks.collect())
        });
        self.state(groups.collect())
    }

    /// A package, to be changed before it is sealed.
    pub(crate) fn draft(&self, state: &DesiredState) -> fault::Package {
        fault::package(&self.signer, &self.device, state)
    }

    /// Seals and signs it as it is.
    pub(crate) fn seal(&self, package: &fault::Package) -> Vec<u8> {
        package.seal(&self.signer, &self.device, &mut Fixed::new(&[7; 32]))
    }

    /// A package of [`Self::largest`] that is as long as any can be.
    pub(crate) fn longest(&self, first: u64) -> Vec<u8> {
        let mut draft = self.draft(&self.largest(first));
        // The head of an entry with a long string has 5 octets.
        let filler = limit::PACKAGE_MAX - self.seal(&draft).len() - 5;
        draft.content.set(&[64], Value::Bytes(vec![0; filler]));
        self.seal(&draft)
    }

    /// A good package.
    pub(crate) fn package(&self, state: &DesiredState) -> Vec<u8> {
        self.seal(&self.draft(state))
    }

    /// A good notice for [`GROUP`]: what is below the generation so many after
    /// [`Self::first`] is ended.
    pub(crate) fn notice(&self, offset: u64) -> Notice {
        let below = fixture::generation(self.first + offset);
        Notice::sign(&self.signer, fixture::group_id(GROUP), below, TIME)
    }
}

impl Context {
    /// `import`.
    pub(crate) fn import(&mut self, octets: &[u8]) -> Result<ImportReply, proseal_client::Error> {
        self.ta.call(&Import { octets })
    }

    /// A package or notice with this outcome.
    #[track_caller]
    pub(crate) fn imported(&mut self, octets: &[u8], expected: Outcome) -> Verdict {
        let reply = self.import(octets);
        let outcome = self.ok("import", reply)?.outcome;
        if self.equal("outcome", outcome, expected) { Ok(()) } else { Err(Stop::Failed) }
    }

    /// The device's own word.
    #[track_caller]
    pub(crate) fn statement(&mut self) -> Result<Statement, Stop> {
        let reply = self.ta.call(&GetStatement { nonce: NONCE });
        let octets = self.ok("statement", reply)?.statement;
        self.verified(&octets, &NONCE)
    }

    /// A statement whose signature and nonce are as they should be.
    #[track_caller]
    pub(crate) fn verified(&mut self, octets: &[u8], nonce: &[u8; 32]) -> Result<Statement, Stop> {
        let statement = Statement::verify_answer(octets, nonce);
        self.ok("the statement", statement.map_err(|error| error.to_string()))
    }

    /// The manager of a device that holds what [`Manager::plain`] says. The device
    /// is the one that there is, if it can be brought to that by an enrolment or a
    /// package; else it is made anew.
    #[track_caller]
    pub(crate) fn manager(&mut self) -> Result<Manager, Stop> {
        let mut status = self.status()?;
        if !is_usable(&status) {
            self.enrolled()?;
            status = self.status()?;
        }
        let mut manager = self.manager_of(&status)?;
        match status.groups.as_slice() {
            [only] if only.group == fixture::group_id(GROUP) && only.pgks.len() == 1 => {
                manager.first = only.pgks[0].generation.get();
                note_generation(manager.first);
            }
            groups => {
                let next = groups.iter().map(|group| group.next).max();
                manager.first = fresh_generation(next.unwrap_or(1));
                self.imported(&manager.package(&manager.plain()), Outcome::Applied)?;
                manager.sequence += 1;
            }
        }
        Ok(manager)
    }

    /// What the host checks packages by.
    pub(crate) fn trust(&self) -> Trust {
        Trust { root: root(1).public(), manager: MANAGER, least_version: 0 }
    }

    /// The manager of a device that is enrolled.
    #[track_caller]
    pub(crate) fn manager_of_enrolled(&mut self) -> Result<Manager, Stop> {
        let status = self.status()?;
        self.manager_of(&status)
    }

    /// The manager of a device that is enrolled, and has this status.
    #[track_caller]
    fn manager_of(&mut self, status: &StatusReply) -> Result<Manager, Stop> {
        let known = KEYS.lock().ok().and_then(|keys| *keys);
        let device = match known.filter(|keys| keys.id() == status.device) {
            Some(keys) => keys,
            None => self.statement()?.device,
        };
        if let Ok(mut keys) = KEYS.lock() {
            *keys = Some(device);
        }
        let (root, sequence) = (root(1), status.sequence);
        let version = status.signer_version.max(VERSION);
        let signer = signer(&root, version, MANAGER);
        Ok(Manager { root, signer, device, sequence, first: 1, version })
    }

    /// A device without a manager, that may have an identity.
    #[track_caller]
    pub(crate) fn free(&mut self) -> Verdict {
        if self.status()?.state == DeviceState::Factory {
            return self.void_what_was_left();
        }
        self.fresh()
    }

    /// Enrols the device, which is made anew if it is not free.
    #[track_caller]
    pub(crate) fn enrolled(&mut self) -> Verdict {
        self.free()?;
        let enrol = Enrol { root_key: *root(1).public().octets(), manager: MANAGER.0 };
        let enrolled = self.ta.call(&enrol);
        self.ok("enrol", enrolled).map(drop)
    }

    /// After a plain package without a fault the next one, as `fault` makes it from as good
    /// a one, is refused with `code` and changes nothing.
    #[track_caller]
    pub(crate) fn refuses(
        &mut self,
        code: Code,
        fault: impl FnOnce(&Manager, fault::Package) -> Vec<u8>,
    ) -> Verdict {
        let manager = self.after_a_plain()?;
        self.refused_with_fault(&manager, &manager.plain(), code, fault)
    }

    /// The same of another state than the plain one.
    #[track_caller]
    pub(crate) fn refuses_of(
        &mut self,
        state: impl Fn(&Manager) -> DesiredState,
        code: Code,
        fault: impl FnOnce(&Manager, fault::Package) -> Vec<u8>,
    ) -> Verdict {
        let manager = self.after_a_good(&state)?;
        self.refused_with_fault(&manager, &state(&manager), code, fault)
    }

    #[track_caller]
    fn refused_with_fault(
        &mut self,
        manager: &Manager,
        state: &DesiredState,
        code: Code,
        fault: impl FnOnce(&Manager, fault::Package) -> Vec<u8>,
    ) -> Verdict {
        let faulty = fault(manager, manager.draft(state));
        self.refused_octets_of_package(&faulty, code)
    }

    /// A plain package, as it should be, is the last that was applied: by this case, or at
    /// level 0 by one before it; the manager after it.
    #[track_caller]
    pub(crate) fn after_a_plain(&mut self) -> Result<Manager, Stop> {
        if self.is_after(&PLAIN)? {
            return self.manager();
        }
        let manager = self.after_a_good(Manager::plain)?;
        self.note_good(&PLAIN)?;
        Ok(manager)
    }

    /// Whether this case has applied something good, or need not: at level 0, while the
    /// device is, but for its time, just what it was when such a thing was last applied.
    #[track_caller]
    pub(crate) fn is_after(&mut self, good: &LastGood) -> Result<bool, Stop> {
        if !self.has_applied && self.level == 0 {
            let status = lasting(&self.status()?);
            self.has_applied = good.0.lock().is_ok_and(|last| last.as_ref() == Some(&status));
        }
        Ok(self.has_applied)
    }

    /// Something good has just been applied: this is the device then.
    #[track_caller]
    pub(crate) fn note_good(&mut self, good: &LastGood) -> Verdict {
        let status = lasting(&self.status()?);
        if let Ok(mut last) = good.0.lock() {
            *last = Some(status);
        }
        Ok(())
    }

    /// A package of this state, as it should be, is applied (once a case); the manager
    /// after it.
    #[track_caller]
    pub(crate) fn after_a_good(
        &mut self,
        state: impl Fn(&Manager) -> DesiredState,
    ) -> Result<Manager, Stop> {
        let mut manager = self.manager()?;
        if !self.has_applied {
            self.imported(&manager.package(&state(&manager)), Outcome::Applied)?;
            self.has_applied = true;
            manager.sequence += 1;
        }
        Ok(manager)
    }

    /// These octets are refused with `code`, and change nothing.
    #[track_caller]
    pub(crate) fn refused_octets_of_package(&mut self, octets: &[u8], code: Code) -> Verdict {
        self.without_effect(octets, |c, reply| {
            c.refused("import", reply, code);
        })
    }

    /// These octets are refused with one of `codes`, and change nothing.
    #[track_caller]
    pub(crate) fn refused_with_one_of(
        &mut self,
        what: &str,
        octets: &[u8],
        codes: &[Code],
    ) -> Verdict {
        self.without_effect(octets, |c, reply| {
            let is_one =
                matches!(reply, Err(proseal_client::Error::Refused(code)) if codes.contains(&code));
            c.that(&format!("{what} is refused with one of {codes:?}"), is_one);
        })
    }

    /// These octets are refused, whatever the code, and change nothing.
    #[track_caller]
    pub(crate) fn refused_package(&mut self, what: &str, octets: &[u8]) -> Verdict {
        self.without_effect(octets, |c, reply| {
            c.that(what, matches!(reply, Err(proseal_client::Error::Refused(_))));
        })
    }

    #[track_caller]
    fn without_effect(
        &mut self,
        octets: &[u8],
        judge: impl FnOnce(&mut Self, Result<ImportReply, proseal_client::Error>),
    ) -> Verdict {
        let before = self.status()?;
        #[cfg(feature = "optee")]
        let stored = self.stored()?;
        let reply = self.import(octets);
        judge(self, reply);
        let after = self.status()?;
        self.that("what is refused changes nothing", lasting(&before) == lasting(&after));
        #[cfg(feature = "optee")]
        {
            let now = self.stored()?;
            self.that("nothing is written", now == stored);
        }
        Ok(())
    }

    #[cfg(feature = "optee")]
    #[track_caller]
    fn stored(&mut self) -> Result<Image, Stop> {
        let image = Image::take();
        self.ok("reading the store's files", image)
    }
}

/// So many numbers below `len` at level 0, each level as many more, spread evenly from
/// where the run's seed says.
pub(crate) fn sample(c: &Context, at_level_0: usize, len: usize) -> Vec<usize> {
    let count = (at_level_0 * (1 + c.level as usize)).min(len);
    let from = (c.seed % len.max(1) as u64) as usize;
    (0..count).map(|at| (from + at * len / count) % len).collect()
}

/// The highest generation that a manager was told of, of any group: what comes after is
/// below no group's `next`, also of one that was removed.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Above what a case adds to [`Manager::first`]; the highest numbers are another matter.
const STEP: u64 = 64;

fn note_generation(generation: u64) {
    LAST.fetch_max(generation, Ordering::Relaxed);
}

/// One that no group has had, at `next` or above.
fn fresh_generation(next: u64) -> u64 {
    note_generation(next);
    LAST.fetch_add(STEP, Ordering::Relaxed) + STEP
}

/// Whether the device is one of this manager's, and nothing has happened to it that
/// the next package would not undo.
fn is_usable(status: &StatusReply) -> bool {
    let is_usual = |group: &GroupStatus| group.next < 1 << 32 && !group.suspended;
    status.state == DeviceState::Enrolled
        && status.root_key == *root(1).public().octets()
        && status.floor < TIME + 24 * 3600
        && status.groups.iter().all(is_usual)
}
