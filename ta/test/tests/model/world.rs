//! One course that things may have taken: what the TA has in memory, what is
//! on the disk, and how the one gets to the other (docs/storage.md).

use std::collections::BTreeMap;

use proseal_proto::error::Code;
use proseal_proto::message::EventKind;

use crate::chance::Chance;
use crate::life::Life;
use crate::store::{Disk, Stop, Weather};

/// Seconds after which what has passed is written.
const WRITE_AFTER_S: u64 = 3600;
/// Seconds after which a write of what has passed is tried again.
const RETRY_AFTER_S: u64 = 60;

/// What the TA knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Not read yet.
    Unread,
    Factory,
    Damaged,
    Enrolled(Life),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) memory: Memory,
    /// The start nonce is drawn.
    nonce: bool,
    /// The last PTK Id given out, by group and generation.
    pub(crate) given: BTreeMap<(u32, u64), u16>,
    /// After a failed write the disk may hold what memory does not.
    behind: bool,
    /// Powered time is in the state up to here, in whole seconds from when
    /// counting began; that is also when it was written last.
    counted_ms: Option<u64>,
    /// Seconds after that from which on a write of what has passed is tried again.
    retry_s: u64,
    /// The last call that found the object damaged: what takes its place is not.
    found_damage: u64,
}

/// What becomes of the state, and what is answered.
pub(crate) enum Change<T> {
    /// It stays as it was: not written.
    Idle(T),
    /// It is another one; whether keys have gone.
    New { erased: bool, reply: T },
}

impl World {
    /// The TA starts on what is on the disk.
    pub(crate) fn start(disk: Disk) -> Self {
        Self {
            disk,
            memory: Memory::Unread,
            nonce: false,
            given: BTreeMap::new(),
            behind: false,
            counted_ms: None,
            retry_s: 0,
            found_damage: 0,
        }
    }

    /// Whether OP-TEE finds the object damaged; then it has deleted it.
    fn finds_damage(&mut self, weather: &Weather) -> bool {
        let finds =
            weather.corrupt && self.found_damage != weather.call && self.disk != Disk::Nothing;
        if finds {
            self.found_damage = weather.call;
            self.disk = Disk::Nothing;
        }
        finds
    }

    /// The first use of the state.
    pub(crate) fn read(&mut self, weather: &Weather) -> Result<(), Stop> {
        if self.memory != Memory::Unread {
            return Ok(());
        }
        if weather.read_fails {
            return Err(Code::StoreFailed.into());
        }
        if self.finds_damage(weather) {
            self.memory = Memory::Damaged;
            return Ok(());
        }
        if weather.too_new && self.disk != Disk::Nothing {
            return Err(Code::StateTooNew.into());
        }
        self.memory = match &self.disk {
            Disk::Nothing => Memory::Factory,
            Disk::Zeros => Memory::Damaged,
            Disk::Made(life) | Disk::State(life) => {
                // All that was reserved counts as used.
                for (&id, group) in &life.groups {
                    for (&generation, pgk) in &group.pgks {
                        self.given.insert((id, generation), pgk.reserved);
                    }
                }
                // A write that is still due is made as one that failed.
                self.behind = life.lingering;
                Memory::Enrolled(Life { lingering: false, ..life.clone() })
            }
        };
        Ok(())
    }

    /// The first command but `version` and `erase`: from here on time counts.
    pub(crate) fn count(&mut self, weather: &Weather) {
        self.counted_ms.get_or_insert(weather.now_ms);
    }

    /// Whole seconds that are not in the state yet.
    fn passed_s(&self, weather: &Weather) -> u64 {
        self.counted_ms.map_or(0, |counted_ms| (weather.now_ms - counted_ms) / 1000)
    }

    /// `status` and `install` need the start nonce: the first one draws it.
    pub(crate) fn draw_nonce(&mut self, weather: &Weather) -> Result<(), Stop> {
        if weather.random_fails && !self.nonce {
            return Err(Code::Internal.into());
        }
        self.nonce = true;
        Ok(())
    }

    /// The state with the powered time until now.
    pub(crate) fn life(&self, weather: &Weather) -> Option<Life> {
        let Memory::Enrolled(life) = &self.memory else { return None };
        let mut life = life.clone();
        life.pass(self.passed_s(weather));
        Some(life)
    }

    /// The life that is held.
    pub(crate) fn born(&self) -> Option<u64> {
        if let Memory::Enrolled(life) = &self.memory { Some(life.born) } else { None }
    }

    /// What it holds, or would once it has read it.
    pub(crate) fn sketch(&self, weather: &Weather) -> Option<Life> {
        match (&self.memory, &self.disk) {
            (Memory::Unread, Disk::Made(life) | Disk::State(life)) => Some(life.clone()),
            _ => self.life(weather),
        }
    }

    /// Before anything is derived or changed: a write that failed is made
    /// good, and one that is still due is made.
    pub(crate) fn settle(&mut self, weather: &Weather, chance: &mut Chance) -> Result<(), Stop> {
        if !self.behind {
            return Ok(());
        }
        if self.memory == Memory::Factory {
            self.put(weather, chance, Disk::Nothing)?;
            self.behind = false;
            return Ok(());
        }
        self.commit_now(weather, chance, |life| {
            life.event(EventKind::Repaired, 0, 0);
            Ok(Change::New { erased: false, reply: () })
        })
    }

    /// What has passed is written if it is time for that. A failure is borne.
    pub(crate) fn keep_time(&mut self, weather: &Weather, chance: &mut Chance) -> Result<(), Stop> {
        let Some(life) = self.life(weather) else { return Ok(()) };
        let passed_s = self.passed_s(weather);
        let due = passed_s >= WRITE_AFTER_S || life.has_ended();
        if !due || passed_s < self.retry_s {
            return Ok(());
        }
        // What is to be repaired stays so.
        let behind = self.behind;
        let written =
            self.commit_now(weather, chance, |_| Ok(Change::New { erased: false, reply: () }));
        self.behind = behind;
        match written {
            Err(Stop::Refused(_)) => {
                self.retry_s = passed_s + RETRY_AFTER_S;
                Ok(())
            }
            other => other,
        }
    }

    /// One change of the state, written before it holds. What has passed and
    /// what has ended go with it.
    pub(crate) fn commit<T>(
        &mut self,
        weather: &Weather,
        chance: &mut Chance,
        change: impl FnOnce(&mut Life) -> Result<Change<T>, Stop>,
    ) -> Result<T, Stop> {
        self.settle(weather, chance)?;
        self.commit_now(weather, chance, change)
    }

    /// The same without a look at what is due.
    fn commit_now<T>(
        &mut self,
        weather: &Weather,
        chance: &mut Chance,
        change: impl FnOnce(&mut Life) -> Result<Change<T>, Stop>,
    ) -> Result<T, Stop> {
        let new = || Life { born: weather.call, ..Life::default() };
        let mut life = self.life(weather).unwrap_or_else(new);
        let ended = life.end();
        match change(&mut life)? {
            Change::Idle(reply) => Ok(reply),
            Change::New { erased, reply } => {
                self.write(weather, chance, life, ended || erased)?;
                Ok(reply)
            }
        }
    }

    /// Twice if keys have gone, since the store keeps the version before, or
    /// if there was nothing, so that there is room for it.
    fn write(
        &mut self,
        weather: &Weather,
        chance: &mut Chance,
        mut life: Life,
        erased: bool,
    ) -> Result<(), Stop> {
        if erased || !matches!(self.memory, Memory::Enrolled(_)) {
            life.lingering = true;
            self.replace(weather, chance, &mut life)?;
        }
        life.lingering = false;
        self.replace(weather, chance, &mut life)?;
        // Parts of a second go on counting.
        let passed_ms = self.passed_s(weather) * 1000;
        self.counted_ms = self.counted_ms.map(|counted_ms| counted_ms + passed_ms);
        self.given.retain(|&(group, generation), _| {
            life.groups.get(&group).is_some_and(|group| group.pgks.contains_key(&generation))
        });
        self.memory = Memory::Enrolled(life);
        self.behind = false;
        self.retry_s = 0;
        Ok(())
    }

    /// The state over what is there. If that is damaged, it is written anew,
    /// twice.
    fn replace(
        &mut self,
        weather: &Weather,
        chance: &mut Chance,
        life: &mut Life,
    ) -> Result<(), Stop> {
        if self.finds_damage(weather) {
            life.event(EventKind::Repaired, 0, 0);
            if !life.lingering {
                let first = Life { lingering: true, ..life.clone() };
                self.put(weather, chance, Disk::State(first))?;
            }
        }
        self.put(weather, chance, Disk::State(life.clone()))
    }

    /// One write of the store.
    fn put(&mut self, weather: &Weather, chance: &mut Chance, new: Disk) -> Result<(), Stop> {
        let written = self.disk.put(weather, chance, new);
        if matches!(written, Err(Stop::Refused(_))) {
            self.behind = true;
        }
        written
    }

    /// Zeros, twice, then nothing.
    pub(crate) fn erase(&mut self, weather: &Weather, chance: &mut Chance) -> Result<(), Stop> {
        self.finds_damage(weather);
        for _ in 0..2 {
            if self.disk != Disk::Nothing {
                self.put(weather, chance, Disk::Zeros)?;
            }
        }
        self.put(weather, chance, Disk::Nothing)?;
        self.memory = Memory::Factory;
        self.given.clear();
        self.behind = false;
        Ok(())
    }

    /// The last PTK Id that counts as given out.
    pub(crate) fn given(&self, group: u32, generation: u64, reserved: u16) -> u16 {
        self.given.get(&(group, generation)).copied().unwrap_or(reserved)
    }
}
