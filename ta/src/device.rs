//! The device: its state in memory, and the one way to change it.

use alloc::vec::Vec;

use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, PtkId};
use proseal_proto::message::{DeviceState, EventKind};
use proseal_proto::statement::PublicKeys;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::epoch::Issued;
use crate::platform::{Found, Identity, Platform, Store, StoreError};
use crate::state::life::Now;
use crate::state::record::{self, RecordError};
use crate::state::{Group, Pgk, State};

/// Powered seconds after which the floor is written at the latest, if anyone
/// calls. What a power cut takes from it is less than that.
pub const CHECKPOINT_S: u64 = 3600;
/// Of an event that concerns no group.
const NO_GROUP: GroupId = GroupId::from_octets([0; 3]);
/// Powered seconds between attempts that fail.
const RETRY_S: u64 = 60;

/// The TA's one instance.
pub struct Ta<P> {
    platform: P,
    /// Drawn on first use; a content that echoes it is fresh.
    start_nonce: Option<[u8; 32]>,
    held: Held,
    /// The identity's, if there is a whole one.
    keys: Option<PublicKeys>,
    /// A write failed: what the store has may differ from `held`.
    unsettled: bool,
    issued: Issued,
    clock: Clock,
    /// The clock as the call under way found it, if it was read for it.
    ahead_ms: Option<u64>,
    /// When the next checkpoint is due, on that clock.
    checkpoint_due_s: u64,
    refusals: u32,
}

/// What the store held when it was last read or written.
enum Held {
    /// Not read yet.
    Unknown,
    /// Nothing.
    Factory,
    /// A state: of an enrolled device, or of one that has an identity only.
    State(State),
    Damaged,
}

impl<P: Platform> Ta<P> {
    /// Nothing in start-up can fail: the state is read on first use.
    pub const fn new(platform: P) -> Self {
        Self {
            platform,
            start_nonce: None,
            held: Held::Unknown,
            keys: None,
            unsettled: false,
            issued: Issued::new(),
            clock: Clock::new(),
            ahead_ms: None,
            checkpoint_due_s: 0,
            refusals: 0,
        }
    }

    /// The platform underneath.
    pub const fn platform(&mut self) -> &mut P {
        &mut self.platform
    }

    /// The device's state, read from the store on first use.
    pub fn device_state(&mut self) -> Result<DeviceState, Code> {
        if matches!(self.held, Held::Unknown) {
            self.held = self.load()?;
        }
        Ok(match &self.held {
            Held::State(state) if state.is_enrolled() => DeviceState::Enrolled,
            Held::Unknown | Held::Factory | Held::State(_) => DeviceState::Factory,
            Held::Damaged => DeviceState::Damaged,
        })
    }

    fn load(&mut self) -> Result<Held, Code> {
        let read = match self.platform.store().read() {
            Ok(None) => None,
            Ok(Some(record)) => match record::decode(&record) {
                Ok(state) => Some(Ok(state)),
                Err(RecordError::Malformed) => Some(Err(Held::Damaged)),
                Err(error @ RecordError::TooNew) => return Err(error.into()),
            },
            // Latched: OP-TEE has deleted the object by now, and a
            // missing one would look like a factory device.
            Err(StoreError::Corrupt) => Some(Err(Held::Damaged)),
            Err(error) => return Err(error.into()),
        };
        // A state that names no identity may have parts of one: they are made anew.
        if matches!(&read, Some(Ok(state)) if state.device == DeviceId::NONE) {
            return Ok(self.loaded(read));
        }
        let found = self.platform.identity().find()?;
        self.keys = match found {
            Found::Whole(keys) => Some(keys),
            Found::Nothing | Found::Part => None,
        };
        Ok(match (read, found) {
            (None, Found::Nothing) => Held::Factory,
            (Some(Ok(state)), Found::Whole(keys)) if device_id(&keys) == state.device => {
                self.loaded(Some(Ok(state)))
            }
            // One is there without the other: something was taken away.
            _ => Held::Damaged,
        })
    }

    fn loaded(&mut self, read: Option<Result<State, Held>>) -> Held {
        match read {
            None => Held::Factory,
            Some(Err(held)) => held,
            Some(Ok(mut state)) => {
                // Cut between two writes.
                self.unsettled = core::mem::take(&mut state.lingering);
                self.checkpoint_due_s = state.first_end_s().min(CHECKPOINT_S);
                Held::State(state)
            }
        }
    }

    /// The state, if the device is enrolled.
    pub fn enrolled(&mut self) -> Result<&State, Code> {
        self.device_state()?;
        match &self.held {
            Held::State(state) if state.is_enrolled() => Ok(state),
            Held::Damaged => Err(Code::Damaged),
            Held::Unknown | Held::Factory | Held::State(_) => Err(Code::WrongState),
        }
    }

    /// The state, and the PTK Ids given out since the start.
    pub fn enrolled_and_issued(&mut self) -> Result<(&State, &Issued), Code> {
        self.enrolled()?;
        self.state().map(|state| (state, &self.issued)).ok_or(Code::Internal)
    }

    /// The state, if there is one, of an enrolled device or not.
    pub const fn state(&self) -> Option<&State> {
        match &self.held {
            Held::State(state) => Some(state),
            Held::Unknown | Held::Factory | Held::Damaged => None,
        }
    }

    /// An enrolled device's public keys.
    pub fn keys(&mut self) -> Result<PublicKeys, Code> {
        self.enrolled()?;
        self.keys.ok_or(Code::Damaged)
    }

    /// The device's public keys. It makes an identity if there is none: the state
    /// is there first, and names it once it is whole; so parts of one without a
    /// state are a sign that the state was taken away. `mark`: see [`Identity::make`].
    pub fn identity(&mut self, mark: &[u8; 32]) -> Result<PublicKeys, Code> {
        self.settle()?;
        match (&self.held, self.keys) {
            (Held::State(_) | Held::Damaged, Some(keys)) => return Ok(keys),
            (Held::Damaged, None) => return Err(Code::Damaged),
            (Held::Unknown | Held::Factory, _) => self.commit(|_| Ok(()))?,
            (Held::State(_), None) => {}
        }
        let keys = self.platform.identity().make(mark)?;
        // Of the identities that a power cut prevents one too many is shown.
        self.platform.announce(device_id(&keys));
        self.commit(|state| {
            state.device = device_id(&keys);
            Ok(())
        })?;
        self.keys = Some(keys);
        Ok(keys)
    }

    /// Begins a call: reads the clock for one that will look at it, before
    /// anything else is touched. To ask OP-TEE empties the processor's caches
    /// of translations, so what was touched before is found anew.
    pub fn begin_call(&mut self, looks: bool) {
        self.ahead_ms = looks.then(|| self.platform.uptime_ms());
    }

    /// Looks at the time, and at the state with it. A time that the normal world
    /// tells is none: it could end every key for ever.
    pub fn look(&mut self) -> Result<DeviceState, Code> {
        let ahead_ms = self.ahead_ms.take();
        if self.platform.has_own_clock() {
            let now_ms = ahead_ms.unwrap_or_else(|| self.platform.uptime_ms());
            self.clock.look(now_ms);
        }
        self.device_state()
    }

    /// The floor and the powered seconds without a fresh content, now.
    pub fn now(&self) -> Now {
        match &self.held {
            Held::State(state) => {
                let mut now = Now { floor: state.floor, unsynced_s: state.unsynced_s };
                now.pass(self.clock.elapsed_s());
                now
            }
            Held::Unknown | Held::Factory | Held::Damaged => Now { floor: 0, unsynced_s: 0 },
        }
    }

    /// Writes the time that has passed, if enough has, or a key has ended.
    ///
    /// A failure costs nothing but that time, should the power go: old and new
    /// state differ in nothing that was promised. So it is no error of the
    /// command that came by, and is tried again only after [`RETRY_S`].
    pub fn checkpoint(&mut self) {
        let elapsed_s = self.clock.elapsed_s();
        if elapsed_s < self.checkpoint_due_s || !matches!(self.held, Held::State(_)) {
            return;
        }
        self.checkpoint_due_s = elapsed_s.saturating_add(RETRY_S);
        // See above: whether it was written or not, all goes on.
        let _tried = self.begin().and_then(|(next, _)| self.write(next));
    }

    /// Changes the state: `change` works on a copy, which becomes the state
    /// once it is written. After any error nothing has changed; a change that
    /// changes nothing is not written. `change` finds the copy as of now: time
    /// has passed in it, and what that has ended is gone.
    pub fn commit<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<T, Code>,
    ) -> Result<T, Code> {
        self.commit_over(|next, _| change(next))
    }

    /// The same for a change that also asks what is held until it is written,
    /// which has what time has ended: that goes in the same commit.
    pub fn commit_over<T>(
        &mut self,
        change: impl FnOnce(&mut State, &State) -> Result<T, Code>,
    ) -> Result<T, Code> {
        self.settle()?;
        let (mut next, before) = self.begin()?;
        let nothing = State::new();
        let held = self.state().unwrap_or(&nothing);
        let value = change(&mut next, held)?;
        if *record::encode_unpadded(&next)? == *before && !matches!(self.held, Held::Factory) {
            return Ok(value);
        }
        match self.write(next) {
            Ok(()) => Ok(value),
            Err(code) => {
                self.unsettled = true;
                Err(code)
            }
        }
    }

    /// The state as of now, to be changed, and its record without what pads it.
    fn begin(&self) -> Result<(State, Zeroizing<Vec<u8>>), Code> {
        let next = match &self.held {
            Held::State(state) => {
                let mut next = record::decode(&record::encode_unpadded(state)?)?;
                next.pass(self.clock.elapsed_s());
                next.drop_ended();
                next
            }
            Held::Unknown | Held::Factory => State::new(),
            Held::Damaged => return Err(Code::Damaged),
        };
        let record = record::encode_unpadded(&next)?;
        Ok((next, record))
    }

    /// Makes `next` the state. If the store has lost it meanwhile, OP-TEE has
    /// deleted what was damaged by now, and `next` takes its place.
    fn write(&mut self, mut next: State) -> Result<(), Code> {
        let keeps_all = matches!(&self.held, Held::State(state) if !state.loses_a_key_in(&next));
        let written = if keeps_all { self.replace(&next) } else { self.replace_twice(&mut next) };
        match written {
            Err(Code::Damaged) => {
                next.note(EventKind::Repaired, NO_GROUP, 0);
                self.replace_twice(&mut next)?;
            }
            other => other?,
        }
        self.clock.counted();
        self.checkpoint_due_s = next.first_end_s().min(CHECKPOINT_S);
        self.issued.retain(|group, generation| {
            next.group(group).is_some_and(|group| group.pgk(generation).is_some())
        });
        self.held = Held::State(next);
        Ok(())
    }

    /// Both versions that the store keeps become `next`: a key that is in it no
    /// more is in neither, and what is new has its room for both. The mark in
    /// the first makes the next start make up for a cut before the second.
    fn replace_twice(&mut self, next: &mut State) -> Result<(), Code> {
        next.lingering = true;
        self.replace(next)?;
        next.lingering = false;
        self.replace(next)
    }

    fn replace(&mut self, next: &State) -> Result<(), Code> {
        Ok(self.platform.store().replace(&record::encode(next)?)?)
    }

    /// After a write that failed the store may hold the old state or the
    /// new. Nothing is derived or changed until it holds the old one again.
    pub fn settle(&mut self) -> Result<(), Code> {
        self.device_state()?;
        if self.unsettled {
            match &self.held {
                Held::State(_) => {
                    let (mut next, _) = self.begin()?;
                    next.note(EventKind::Repaired, NO_GROUP, 0);
                    self.write(next)?;
                }
                Held::Unknown | Held::Factory | Held::Damaged => self.platform.store().remove()?,
            }
            self.unsettled = false;
        }
        Ok(())
    }

    /// The next epoch of this device as a sender: its PTK Id, persisted as
    /// reserved, and a fresh salt where the profile has one.
    pub fn next_epoch(
        &mut self,
        group: GroupId,
        generation: Generation,
    ) -> Result<(PtkId, EpochSalt), Code> {
        // Asked first: what is refused writes nothing and draws nothing.
        let pgk = find_pgk(self.enrolled()?, group, generation)?.1;
        let (reserved, has_salt) = (pgk.reserved, pgk.policy.profile.has_salt());
        let (id, reserve) = self.issued.next(group, generation, reserved)?;
        self.settle()?;
        // Drawn before the id is noted: a failure must not cost a PTK Id.
        let mut salt = EpochSalt::NONE;
        if has_salt {
            self.platform.random(&mut salt.0)?;
        }
        if reserve != reserved {
            self.commit(|state| {
                let pgk = state.group_mut(group).and_then(|group| group.pgk_mut(generation));
                pgk.ok_or(Code::GenerationEnded)?.reserved = reserve;
                state.note(EventKind::Refreshed, group, generation.get());
                Ok(())
            })?;
        }
        self.issued.note(group, generation, id);
        Ok((id, salt))
    }

    /// Erases everything: blanks the state, then removes the keys, then the state.
    /// Cut anywhere, it leaves a device that can be erased, and nothing else.
    pub fn erase(&mut self, device: DeviceId) -> Result<(), Code> {
        self.device_state()?;
        if device != self.state().map_or(DeviceId::NONE, |state| state.device) {
            return Err(Code::WrongDevice);
        }
        // A full disk stops this only where a second write is still due, of
        // which nobody was told yet: what counts is that "erased" is true.
        if let Err(error) = self.platform.store().blank() {
            self.unsettled = true;
            return Err(error.into());
        }
        let removed = self.platform.identity().remove();
        if let Err(error) = removed.and_then(|()| self.platform.store().remove()) {
            match device {
                DeviceId::NONE => self.unsettled = true,
                // It is not taken back: half of an identity is none.
                _ => self.lose(),
            }
            return Err(error.into());
        }
        self.held = Held::Factory;
        self.keys = None;
        self.unsettled = false;
        self.issued = Issued::new();
        Ok(())
    }

    /// Something that the device cannot be without is gone: it is damaged, as the next
    /// start would find it.
    fn lose(&mut self) {
        (self.held, self.keys, self.unsettled) = (Held::Damaged, None, false);
        self.issued = Issued::new();
    }

    /// The Diffie-Hellman value of the device's X25519 key and `public`, a good one.
    pub fn agree(&mut self, public: &[u8; 32], agreed: &mut [u8; 32]) -> Result<(), Code> {
        let done = self.platform.identity().agree(public, agreed);
        self.latched(done)
    }

    /// The device's signature.
    pub fn sign(&mut self, message: &[u8]) -> Result<[u8; 64], Code> {
        let signed = self.platform.identity().sign(message);
        self.latched(signed)
    }

    fn latched<T>(&mut self, done: Result<T, StoreError>) -> Result<T, Code> {
        if matches!(done, Err(StoreError::Corrupt)) {
            self.lose();
        }
        Ok(done?)
    }

    /// The nonce of this start of the TA.
    pub fn start_nonce(&mut self) -> Result<[u8; 32], Code> {
        if let Some(nonce) = self.start_nonce {
            return Ok(nonce);
        }
        let mut nonce = [0; 32];
        self.platform.random(&mut nonce)?;
        self.start_nonce = Some(nonce);
        Ok(nonce)
    }

    /// Requests refused since the start.
    pub const fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Counts a refusal.
    pub const fn count_refusal(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
    }
}

/// A device's id: the first 16 octets of SHA-256 over both public keys.
#[must_use]
pub fn device_id(keys: &PublicKeys) -> DeviceId {
    let hash = Sha256::new().chain_update(keys.x25519).chain_update(keys.ed25519).finalize();
    let mut id = DeviceId::NONE;
    id.0.iter_mut().zip(hash).for_each(|(octet, hashed)| *octet = hashed);
    id
}

/// A group and its PGK of a generation, or which of the two is not held.
pub fn find_pgk(
    state: &State,
    group: GroupId,
    generation: Generation,
) -> Result<(&Group, &Pgk), Code> {
    let group = state.group(group).ok_or(Code::UnknownGroup)?;
    Ok((group, group.pgk(generation).ok_or(Code::UnknownGeneration)?))
}
