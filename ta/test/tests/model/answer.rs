//! What is right to answer: the table of docs/commands.md, row by row.

use proseal_proto::error::Code;
use proseal_proto::id::{DeviceId, Generation, GroupId, MemberId, PgkId};
use proseal_proto::message::{
    DeviceState, EventKind, EventsReply, GroupStatus, PgkState, PgkStatus, StatusReply,
};
use proseal_proto::profile::{Profile, Suite};
use proseal_proto::role::Role;

use crate::apply::{Applied, HIGHEST, apply};
use crate::ask::{Ask, Expected, Heard, Sent, Start, may, may_call};
use crate::chance::Chance;
use crate::content::{Content, Nonce};
use crate::derive::{self, Keys};
use crate::life::{Group, Life, Pgk};
use crate::store::{Stop, Weather};
use crate::world::{Change, Memory, World};

const EVENTS_REPLY: usize = 32;
const LAST_PTK_ID: u16 = u16::MAX;

/// The right answer in this world to `ask` of `role`, and the world after it.
pub(crate) fn answer(
    world: &mut World,
    ask: &Ask,
    role: Role,
    weather: &Weather,
    start: &Start,
    chance: &mut Chance,
) -> Expected {
    let mut call = Call { world, weather, start, chance };
    match call.run(ask, role) {
        Ok(expected) => expected,
        Err(Stop::Refused(codes)) => Expected::Refused(codes),
        Err(Stop::NoPower) => Expected::Nothing,
    }
}

struct Call<'c> {
    world: &'c mut World,
    weather: &'c Weather,
    start: &'c Start,
    chance: &'c mut Chance,
}

impl Call<'_> {
    fn run(&mut self, ask: &Ask, role: Role) -> Result<Expected, Stop> {
        if !may_call(role, ask) {
            return Err(Code::NotPermitted.into());
        }
        match ask {
            Ask::Version => return Ok(Expected::Version(self.weather.protection)),
            Ask::Echo => return Ok(Expected::Echo),
            _ => {}
        }
        if !matches!(ask, Ask::Erase { .. }) {
            self.world.count(self.weather);
        }
        self.world.read(self.weather)?;
        match (&self.world.memory, ask) {
            (_, Ask::Status | Ask::Erase { .. })
            | (Memory::Factory, Ask::Install { .. })
            | (Memory::Enrolled(_), _) => {}
            (Memory::Damaged, _) => return Err(Code::Damaged.into()),
            (Memory::Factory | Memory::Unread, _) => return Err(Code::WrongState.into()),
        }
        if matches!(ask, Ask::Install { .. }) {
            self.world.draw_nonce(self.weather)?;
        }
        if !matches!(ask, Ask::Install { .. } | Ask::Erase { .. }) {
            self.world.keep_time(self.weather, self.chance)?;
        }
        // Of the daemon's that it may only stop: said once the state admits the command.
        if !may(role, ask) {
            return Err(Code::NotPermitted.into());
        }
        match ask {
            Ask::Version => Ok(Expected::Version(self.weather.protection)),
            Ask::Echo => Ok(Expected::Echo),
            Ask::Status => self.status(),
            Ask::Send { group, generation } => self.send(*group, *generation),
            Ask::Receive(items) => self.receive(items),
            Ask::Admission { group, generation } => self.admission(*group, *generation),
            Ask::Suspend { group, on } => self.suspend(*group, *on),
            Ask::Revoke { group, below } => self.revoke(*group, *below),
            Ask::Events { since } => self.events(*since),
            Ask::Erase { device } => self.erase(device),
            Ask::Install { whole, content } => self.install(*whole, content),
            Ask::SetFloor { floor } => self.set_floor(*floor),
        }
    }

    fn life(&self) -> Life {
        self.world.life(self.weather).unwrap_or_default()
    }

    fn commit(
        &mut self,
        change: impl FnOnce(&mut Life) -> Result<Change<()>, Stop>,
    ) -> Result<Expected, Stop> {
        self.world.commit(self.weather, self.chance, change)?;
        Ok(Expected::Done)
    }

    fn status(&mut self) -> Result<Expected, Stop> {
        self.world.draw_nonce(self.weather)?;
        let state = match self.world.memory {
            Memory::Enrolled(_) => DeviceState::Enrolled,
            Memory::Damaged => DeviceState::Damaged,
            Memory::Factory | Memory::Unread => DeviceState::Factory,
        };
        let life = self.life();
        let groups = life.groups.iter().map(|(&id, group)| GroupStatus {
            group: GroupId::new(id).expect("24 bits"),
            member: MemberId::new(group.member).expect("24 bits"),
            next: group.next,
            suspended: group.suspended,
            may_send: group.may_send,
            pgks: self.pgks(id, group, life.floor),
        });
        Ok(Expected::Status(StatusReply {
            state,
            floor: life.floor,
            unsynced_s: life.unsynced_s,
            sequence: life.sequence,
            device: DeviceId([0; 16]),
            root_key: [0; 32],
            manager: [0; 16],
            signer_version: 0,
            start_nonce: [0; 32],
            groups: groups.collect(),
            refusals: 0,
        }))
    }

    fn pgks(&self, id: u32, group: &Group, floor: u64) -> Vec<PgkStatus> {
        let status = |(&generation, pgk): (&u64, &Pgk)| PgkStatus {
            generation: Generation::new(generation).expect("checked as it came in"),
            pgk_id: PgkId(pgk.policy.pgk_id),
            profile: Profile::try_from(pgk.policy.profile).expect("checked as it came in"),
            suite: Suite::try_from(pgk.policy.suite).expect("checked as it came in"),
            state: pgk.terms.state(floor),
            not_before: pgk.terms.not_before,
            not_after: pgk.terms.not_after,
            receive_grace_s: pgk.terms.receive_grace_s,
            send_grace_s: pgk.terms.send_grace_s,
            max_unsynced_s: pgk.terms.max_unsynced_s,
            rollback_unprotected: pgk.is_rollback_unprotected(self.weather.protection),
            epochs_left: LAST_PTK_ID - self.world.given(id, generation, pgk.reserved),
        };
        group.pgks.iter().map(status).collect()
    }

    fn send(&mut self, id: u32, generation: u64) -> Result<Expected, Stop> {
        let life = self.life();
        let group = life.groups.get(&id).ok_or(Code::UnknownGroup)?;
        let pgk = group.pgks.get(&generation).ok_or(Code::UnknownGeneration)?;
        let (terms, reserved) = (pgk.terms, pgk.reserved);
        if group.suspended {
            return Err(Code::Suspended.into());
        }
        if !group.may_send {
            return Err(Code::NotSender.into());
        }
        match terms.state(life.floor) {
            PgkState::Held => {}
            PgkState::ReceiveOnly => return Err(Code::ReceiveOnly.into()),
            PgkState::Ended => return Err(Code::GenerationEnded.into()),
        }
        if terms.max_unsynced_s != 0 && life.unsynced_s > terms.max_unsynced_s {
            return Err(Code::Unsynced.into());
        }
        if pgk.is_rollback_unprotected(self.weather.protection) {
            return Err(Code::RollbackUnprotected.into());
        }
        let given = self.world.given(id, generation, reserved);
        if given == LAST_PTK_ID {
            return Err(Code::EpochsExhausted.into());
        }
        self.world.settle(self.weather, self.chance)?;
        if self.weather.random_fails && pgk.policy.has_salt() {
            return Err(Code::Internal.into());
        }
        if given == reserved {
            self.commit(|life| {
                let group = life.groups.get_mut(&id).ok_or(Code::UnknownGroup)?;
                let pgk = group.pgks.get_mut(&generation).ok_or(Code::UnknownGeneration)?;
                pgk.reserve();
                life.event(EventKind::Refreshed, id, generation);
                Ok(Change::New { erased: false, reply: () })
            })?;
        }
        self.world.given.insert((id, generation), given + 1);
        let sent = Sent { member: group.member, ptk_id: given + 1, pgk: pgk.clone() };
        Ok(Expected::Sent(Box::new(sent)))
    }

    fn receive(&mut self, items: &[Heard]) -> Result<Expected, Stop> {
        self.world.settle(self.weather, self.chance)?;
        let life = self.life();
        Ok(Expected::Received(items.iter().map(|item| heard(&life, item)).collect()))
    }

    fn admission(&mut self, id: u32, generation: u64) -> Result<Expected, Stop> {
        self.world.settle(self.weather, self.chance)?;
        let life = self.life();
        let (_, pgk) = derivable(&life, id, generation)?;
        let key = derive::admission(&pgk.key, &pgk.policy).ok_or(Code::NoAdmissionKey)?;
        Ok(Expected::Admission(key))
    }

    fn suspend(&mut self, id: u32, on: bool) -> Result<Expected, Stop> {
        self.commit(|life| {
            let group = life.groups.get_mut(&id).ok_or(Code::UnknownGroup)?;
            if group.suspended == on {
                return Ok(Change::Idle(()));
            }
            group.suspended = on;
            life.event(if on { EventKind::Suspended } else { EventKind::Resumed }, id, 0);
            Ok(Change::New { erased: false, reply: () })
        })
    }

    fn revoke(&mut self, id: u32, below: u64) -> Result<Expected, Stop> {
        self.commit(|life| {
            let group = life.groups.get_mut(&id).ok_or(Code::UnknownGroup)?;
            if below > group.next {
                return Err(Code::AboveNext.into());
            }
            let held = group.pgks.len();
            group.pgks.retain(|&generation, _| generation >= below);
            if group.pgks.len() == held {
                return Ok(Change::Idle(()));
            }
            life.event(EventKind::Revoked, id, below);
            Ok(Change::New { erased: true, reply: () })
        })
    }

    fn events(&mut self, since: u32) -> Result<Expected, Stop> {
        let life = self.life();
        let events = life.events.iter().filter(|event| event.number >= since);
        let events = events.take(EVENTS_REPLY).copied().collect();
        Ok(Expected::Events(EventsReply { next: life.next_event, events }))
    }

    fn erase(&mut self, device: &[u8; 16]) -> Result<Expected, Stop> {
        if *device != [0; 16] {
            return Err(Code::WrongDevice.into());
        }
        self.world.erase(self.weather, self.chance)?;
        Ok(Expected::Done)
    }

    fn install(&mut self, whole: bool, content: &Content) -> Result<Expected, Stop> {
        let octets = content.octets(self.start);
        let is_fresh = content.nonce == Nonce::Echoed && self.start.nonce.is_some();
        self.world.settle(self.weather, self.chance)?;
        let held = self.life();
        let outcome = self.world.commit(self.weather, self.chance, |life| {
            match apply(life, &held, content, &octets, whole, is_fresh).map_err(Stop::Refused)? {
                Applied::Idle(outcome) => Ok(Change::Idle(outcome)),
                Applied::New { life: new, erased, outcome } => {
                    *life = new;
                    Ok(Change::New { erased, reply: outcome })
                }
            }
        })?;
        Ok(Expected::Outcome(outcome))
    }

    fn set_floor(&mut self, floor: u64) -> Result<Expected, Stop> {
        self.commit(|life| {
            if floor <= life.floor {
                return Ok(Change::Idle(()));
            }
            life.floor = floor;
            Ok(Change::New { erased: life.end(), reply: () })
        })
    }
}

/// A PGK that is not ended, of a group that is not suspended.
fn derivable(life: &Life, group: u32, generation: u64) -> Result<(&Group, &Pgk), Code> {
    let group = life.groups.get(&group).ok_or(Code::UnknownGroup)?;
    let pgk = group.pgks.get(&generation).ok_or(Code::UnknownGeneration)?;
    if group.suspended {
        return Err(Code::Suspended);
    }
    if pgk.terms.state(life.floor) == PgkState::Ended {
        return Err(Code::GenerationEnded);
    }
    Ok((group, pgk))
}

fn heard(life: &Life, item: &Heard) -> Result<Keys, Code> {
    if !(1..=HIGHEST).contains(&item.generation) || item.epoch.ptk_id == 0 {
        return Err(Code::OutOfRange);
    }
    let (group, pgk) = derivable(life, item.group, item.generation)?;
    if item.epoch.sender == group.member {
        return Err(Code::OwnMember);
    }
    if item.epoch.salt != [0; 8] && !pgk.policy.has_salt() {
        return Err(Code::OutOfRange);
    }
    Ok(derive::keys(&pgk.key, &pgk.policy, &item.epoch))
}
