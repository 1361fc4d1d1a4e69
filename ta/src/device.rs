//! The device: its state in memory, and the one way to change it.

use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, EpochSalt, Generation, GroupId, PtkId};
use proseal_proto::message::DeviceState;

use crate::epoch::Issued;
use crate::platform::{Platform, Store, StoreError};
use crate::state::State;
use crate::state::record::{self, RecordError};

/// The TA's one instance.
pub struct Ta<P> {
    platform: P,
    /// Drawn on first use; a content that echoes it is fresh.
    start_nonce: Option<[u8; 32]>,
    held: Held,
    /// A write failed: what the store has may differ from `held`.
    unsettled: bool,
    issued: Issued,
    refusals: u32,
}

/// What the store held when it was last read or written.
enum Held {
    /// Not read yet.
    Unknown,
    Factory,
    Enrolled(State),
    Damaged,
}

impl<P: Platform> Ta<P> {
    /// Nothing in start-up can fail: the state is read on first use.
    pub const fn new(platform: P) -> Self {
        Self {
            platform,
            start_nonce: None,
            held: Held::Unknown,
            unsettled: false,
            issued: Issued::new(),
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
            self.held = match self.platform.store().read() {
                Ok(None) => Held::Factory,
                Ok(Some(bytes)) => match record::decode(&bytes) {
                    Ok(state) => Held::Enrolled(state),
                    Err(RecordError::Malformed) => Held::Damaged,
                    Err(error @ RecordError::TooNew) => return Err(error.into()),
                },
                // Latched: OP-TEE has deleted the object by now, and a
                // missing one would look like a factory device.
                Err(StoreError::Corrupt) => Held::Damaged,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(match self.held {
            Held::Unknown | Held::Factory => DeviceState::Factory,
            Held::Enrolled(_) => DeviceState::Enrolled,
            Held::Damaged => DeviceState::Damaged,
        })
    }

    /// The state, if the device is enrolled.
    pub fn enrolled(&mut self) -> Result<&State, Code> {
        self.device_state()?;
        match &self.held {
            Held::Enrolled(state) => Ok(state),
            Held::Damaged => Err(Code::Damaged),
            Held::Unknown | Held::Factory => Err(Code::WrongState),
        }
    }

    /// The state, and the PTK Ids given out since the start.
    pub fn enrolled_and_issued(&mut self) -> Result<(&State, &Issued), Code> {
        self.enrolled()?;
        match &self.held {
            Held::Enrolled(state) => Ok((state, &self.issued)),
            Held::Unknown | Held::Factory | Held::Damaged => Err(Code::Internal),
        }
    }

    /// Changes the state: `change` works on a copy, which becomes the state
    /// once it is written. After any error nothing has changed; a change that
    /// changes nothing is not written.
    pub fn commit<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<T, Code>,
    ) -> Result<T, Code> {
        self.settle()?;
        let (mut next, before) = match &self.held {
            Held::Enrolled(state) => {
                let before = record::encode(state)?;
                (record::decode(&before)?, Some(before))
            }
            Held::Unknown | Held::Factory => (State::new(), None),
            Held::Damaged => return Err(Code::Damaged),
        };
        let value = change(&mut next)?;
        let after = record::encode(&next)?;
        if before.is_some_and(|before| *before == *after) {
            return Ok(value);
        }
        if let Err(error) = self.platform.store().replace(&after) {
            self.unsettled = true;
            return Err(error.into());
        }
        self.issued.retain(|group, generation| {
            next.group(group).is_some_and(|group| group.pgk(generation).is_some())
        });
        self.held = Held::Enrolled(next);
        Ok(value)
    }

    /// After a write that failed the store may hold the old state or the
    /// new. Nothing is derived or changed until it holds the old one again.
    pub fn settle(&mut self) -> Result<(), Code> {
        self.device_state()?;
        if self.unsettled {
            match &self.held {
                Held::Enrolled(state) => {
                    let bytes = record::encode(state)?;
                    self.platform.store().replace(&bytes)?;
                }
                Held::Unknown | Held::Factory | Held::Damaged => self.platform.store().remove()?,
            }
            self.unsettled = false;
        }
        Ok(())
    }

    /// The next epoch of this device as a sender: its PTK Id, persisted as
    /// reserved, and a fresh salt.
    pub fn next_epoch(
        &mut self,
        group: GroupId,
        generation: Generation,
    ) -> Result<(PtkId, EpochSalt), Code> {
        self.settle()?;
        // Drawn first: a failure must not cost a PTK Id.
        let mut salt = [0; 8];
        self.platform.random(&mut salt)?;
        let reserved = find_pgk(self.enrolled()?, group, generation)?.reserved;
        let (id, reserve) = self.issued.next(group, generation, reserved)?;
        if reserve != reserved {
            self.commit(|state| {
                let group = state.groups.iter_mut().find(|g| g.id == group);
                let pgk = group
                    .and_then(|g| g.pgks.iter_mut().find(|p| p.generation == generation))
                    .ok_or(Code::Internal)?;
                pgk.reserved = reserve;
                Ok(())
            })?;
        }
        self.issued.note(group, generation, id);
        Ok((id, EpochSalt(salt)))
    }

    /// Erases everything: blanks the state, then removes it.
    pub fn erase(&mut self, device: DeviceId) -> Result<(), Code> {
        let own = match (self.device_state()?, &self.held) {
            (_, Held::Enrolled(state)) => state.device,
            _ => DeviceId::NONE,
        };
        if device != own {
            return Err(Code::WrongDevice);
        }
        let blanked = match self.platform.store().blank() {
            // A full disk may have no room for a block's second version. What
            // counts more is that the object goes, which needs no room.
            Err(StoreError::Full) => Ok(()),
            other => other,
        };
        if let Err(error) = blanked.and_then(|()| self.platform.store().remove()) {
            self.unsettled = true;
            return Err(error.into());
        }
        self.held = Held::Factory;
        self.unsettled = false;
        self.issued = Issued::new();
        Ok(())
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

/// The PGK of a group and generation, or which of the two is not held.
pub fn find_pgk(
    state: &State,
    group: GroupId,
    generation: Generation,
) -> Result<&crate::state::Pgk, Code> {
    let group = state.group(group).ok_or(Code::UnknownGroup)?;
    group.pgk(generation).ok_or(Code::UnknownGeneration)
}
