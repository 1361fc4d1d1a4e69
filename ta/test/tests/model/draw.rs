//! Steps by chance: near what is held, so that most of them do something.

use proseal_proto::role::Role;
use proseal_ta::sim::Fault;

use crate::ask::{Ask, Heard, may};
use crate::content::Content;
use crate::derive::Epoch;
use crate::history::History;
use crate::life::Life;
use crate::random::Random;
use crate::step::{Bad, Step};
use crate::wanted::Wants;

/// Draws the steps of one history.
pub(crate) struct Draw {
    pub(crate) random: Random,
    /// Group ids are drawn below this.
    groups: u64,
    wants: Wants,
    /// The last content that was installed, to be sent again.
    last: Option<Content>,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let groups = random.one(&[2, 3, 5, 8, 60]);
        let wants = Wants::new(groups == 60);
        Self { random, groups, wants, last: None }
    }

    /// How the machine's storage is, for the whole history.
    pub(crate) fn protection(&mut self) -> Step {
        Step::Protection { level: self.random.one(&[0, 100, 999, 1000, u16::MAX]) }
    }

    /// The next step for a device that is as `history` has it.
    pub(crate) fn step(&mut self, history: &History) -> Step {
        let life = history.life();
        if !history.is_calm() && self.random.in_100(25) {
            return Step::Calm;
        }
        if life.sequence == 0 && self.random.in_100(60) {
            return self.asks(|draw| draw.install(&life));
        }
        if history.is_calm() && self.random.below(300) == 0 {
            // Of the format's number, or of the writer's version.
            return Step::LaterTa { octet: self.random.one(&[8, 10, 11]) };
        }
        if history.is_calm() && self.random.below(3000) == 0 {
            let group = self.group(&life);
            let generation = self.generation(&life, group);
            return Step::Burn { group, generation, starts: 1100 };
        }
        match self.random.below(100) {
            0..=11 => self.asks(|_| Ask::Status),
            12..=31 => self.asks(|draw| draw.send(&life)),
            32..=38 => self.asks(|draw| draw.receive(&life)),
            39..=40 => self.asks(|draw| draw.admission(&life)),
            41..=57 => self.asks(|draw| draw.install(&life)),
            58..=61 => self.asks(|draw| draw.suspend(&life)),
            62..=66 => self.asks(|draw| draw.revoke(&life)),
            67..=71 => self.asks(|draw| draw.events(&life)),
            72..=73 => self.asks(|draw| draw.set_floor(&life)),
            74 => self.asks(|draw| draw.rare()),
            75..=83 => Step::Pass { ms: self.ms(&life) },
            84..=87 => Step::Restart { uptime_ms: self.uptime(history) },
            88..=90 => self.fault(),
            91..=92 => {
                let writes = self.random.below(4) as u32;
                Step::Power { writes, uptime_ms: self.uptime(history) }
            }
            93 => Step::Random { fails: true },
            94 => Step::Calm,
            95..=97 => self.bad(&life),
            _ => self.short_room(&life),
        }
    }

    /// A command, mostly of a role that may give it.
    fn asks(&mut self, ask: impl FnOnce(&mut Self) -> Ask) -> Step {
        let ask = ask(self);
        Step::Ask { role: self.role(&ask), ask }
    }

    fn role(&mut self, ask: &Ask) -> Role {
        let right: Vec<Role> = Role::ALL.iter().copied().filter(|&role| may(role, ask)).collect();
        if self.random.in_100(92) { self.random.one(&right) } else { self.random.one(Role::ALL) }
    }

    fn group(&mut self, life: &Life) -> u32 {
        let with_pgks = life.groups.iter().filter(|(_, group)| !group.pgks.is_empty());
        let with_pgks: Vec<u32> = with_pgks.map(|(&id, _)| id).collect();
        if !with_pgks.is_empty() && self.random.in_100(80) {
            return self.random.one(&with_pgks);
        }
        let held: Vec<u32> = life.groups.keys().copied().collect();
        if !held.is_empty() && self.random.in_100(92) {
            self.random.one(&held)
        } else {
            self.random.below(self.groups) as u32
        }
    }

    /// A generation of the group: mostly one that is held.
    fn generation(&mut self, life: &Life, group: u32) -> u64 {
        let group = life.groups.get(&group);
        let held: Vec<u64> = group.iter().flat_map(|group| group.pgks.keys().copied()).collect();
        if !held.is_empty() && self.random.in_100(92) {
            return self.random.one(&held);
        }
        let next = group.map_or(1, |group| group.next);
        (next + self.random.below(4)).saturating_sub(2).clamp(1, 1 << 48)
    }

    fn send(&mut self, life: &Life) -> Ask {
        let group = self.group(life);
        Ask::Send { group, generation: self.generation(life, group) }
    }

    fn receive(&mut self, life: &Life) -> Ask {
        let count = if self.random.in_100(2) { 64 } else { 1 + self.random.below(4) };
        let items = (0..count).map(|_| {
            let group = self.group(life);
            let generation = self.generation(life, group);
            let pgk = life.groups.get(&group).and_then(|group| group.pgks.get(&generation));
            let has_salt = pgk.is_none_or(|pgk| pgk.policy.has_salt());
            // Mostly as it should be.
            let is_salted = has_salt != self.random.in_100(8);
            let epoch = Epoch {
                sender: 1 + self.random.below(4) as u32,
                ptk_id: if self.random.in_100(3) { 0 } else { 1 + self.random.below(100) as u16 },
                salt: if is_salted { self.random.next().to_be_bytes() } else { [0; 8] },
            };
            let is_malformed = self.random.in_100(3);
            let none = self.random.one(&[0, (1 << 48) + 1, u64::MAX]);
            Heard { group, generation: if is_malformed { none } else { generation }, epoch }
        });
        Ask::Receive(items.collect())
    }

    fn admission(&mut self, life: &Life) -> Ask {
        let group = self.group(life);
        Ask::Admission { group, generation: self.generation(life, group) }
    }

    fn suspend(&mut self, life: &Life) -> Ask {
        Ask::Suspend { group: self.group(life), on: self.random.in_100(45) }
    }

    fn revoke(&mut self, life: &Life) -> Ask {
        let group = self.group(life);
        let next = life.groups.get(&group).map_or(1, |group| group.next);
        let below = match self.random.below(6) {
            0 => next,
            1 => next + 1,
            2 => 1,
            _ => self.generation(life, group) + self.random.below(2),
        };
        Ask::Revoke { group, below: below.clamp(1, 1 << 48) }
    }

    fn events(&mut self, life: &Life) -> Ask {
        let next = life.next_event;
        let back = self.random.one(&[0, 1, 5, 31, 32, 33, 63, 64, 65, next]);
        let since = if self.random.in_100(10) { next + 7 } else { next.saturating_sub(back) };
        Ask::Events { since }
    }

    fn set_floor(&mut self, life: &Life) -> Ask {
        let floor = life.floor;
        let floor = match self.random.below(20) {
            0 => u64::MAX - self.random.below(3),
            1 => 0,
            2 => floor,
            3 => floor.saturating_sub(5),
            4 => floor.saturating_add(1),
            5..=9 => self.end_of_a_key(life).unwrap_or(floor),
            _ => floor.saturating_add(self.random.below(2000)),
        };
        Ask::SetFloor { floor }
    }

    fn rare(&mut self) -> Ask {
        match self.random.below(8) {
            0..=2 => Ask::Erase { device: [0; 16] },
            3 => Ask::Erase { device: [1; 16] },
            4..=5 => Ask::Echo,
            _ => Ask::Version,
        }
    }

    fn install(&mut self, life: &Life) -> Ask {
        let whole = self.random.in_100(55);
        let content = match (&self.last, self.random.below(100)) {
            (Some(last), 0..=5) => last.clone(),
            (Some(last), 6..=7) => Content { time: last.time ^ 1, ..last.clone() },
            _ => {
                let group = |random: &mut Random| random.below(self.groups) as u32;
                self.wants.content(&mut self.random, life, group)
            }
        };
        self.last = Some(content.clone());
        Ask::Install { whole, content }
    }

    /// The floor at which some key's state changes, or next to it.
    fn end_of_a_key(&mut self, life: &Life) -> Option<u64> {
        let pgks: Vec<_> = life.groups.values().flat_map(|group| group.pgks.values()).collect();
        if pgks.is_empty() {
            return None;
        }
        let terms = self.random.one(&pgks).terms;
        let grace = self.random.one(&[0, terms.send_grace_s, terms.receive_grace_s]);
        let end = terms.not_after.saturating_add(grace.into());
        Some(end.saturating_add(self.random.below(3)).saturating_sub(1))
    }

    /// Powered milliseconds: a moment, up to where something happens, or long.
    fn ms(&mut self, life: &Life) -> u64 {
        let r = &mut self.random;
        match r.below(20) {
            0..=4 => r.below(2500),
            5 => r.one(&[59_000, 59_999, 60_000, 60_001, 61_000]),
            6 => r.one(&[3_599_999, 3_600_000, 3_600_001, 3_600_999, 3_601_000]),
            7..=8 => r.below(3 * 3_600_000),
            9 => r.below(30 * 24 * 3_600_000),
            10 if r.in_100(5) => u64::from(u32::MAX) * 1000,
            _ => {
                let until = self.end_of_a_key(life).unwrap_or(0).saturating_sub(life.floor);
                let ms = until.min(10_000_000) * 1000;
                ms.saturating_sub(self.random.one(&[0, 0, 1, 500]))
            }
        }
    }

    /// The clock of the machine at a restart: any.
    fn uptime(&mut self, history: &History) -> u64 {
        let now = history.now_ms();
        match self.random.below(4) {
            0 => now,
            1 => now + self.random.below(10_000_000),
            2 => self.random.below(5000),
            _ => 0,
        }
    }

    fn fault(&mut self) -> Step {
        let fault = self.random.one(&[
            Fault::WriteFails,
            Fault::WriteFails,
            Fault::WriteLies,
            Fault::WriteLies,
            Fault::Full,
            Fault::Full,
            Fault::Corrupt,
            Fault::ReadFails,
        ]);
        Step::Fault { fault, spared: self.random.one(&[0, 0, 1, 2]) }
    }

    fn any(&mut self, life: &Life) -> Ask {
        match self.random.below(9) {
            0 => Ask::Version,
            1 => Ask::Status,
            2 => self.send(life),
            3 => self.receive(life),
            4 => self.suspend(life),
            5 => self.revoke(life),
            6 => self.events(life),
            7 => self.admission(life),
            _ => self.install(life),
        }
    }

    fn bad(&mut self, life: &Life) -> Step {
        let ask = self.any(life);
        let number = self.random.one(&[0, 13, 0x8000, 0x800b, u32::MAX]);
        let how = self.random.one(&[
            Bad::Oversized,
            Bad::Version,
            Bad::Number(number),
            Bad::Short,
            Bad::Range,
            // What follows a content is the content's to judge.
            if matches!(ask, Ask::Install { .. }) { Bad::Version } else { Bad::Long },
        ]);
        Step::Bad { role: self.role(&ask), ask, how }
    }

    fn short_room(&mut self, life: &Life) -> Step {
        let ask = self.any(life);
        let right: Vec<Role> = Role::ALL.iter().copied().filter(|&role| may(role, &ask)).collect();
        Step::ShortRoom { role: self.random.one(&right), ask }
    }
}
