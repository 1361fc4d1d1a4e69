//! Contents by chance: mostly such as a manager would make, some that are wrong.

use crate::content::{Content, Entry, Flaw, Nonce, Wanted};
use crate::life::{Group, Life, Pgk, Terms};
use crate::random::Random;

/// When a first content is made, seconds since 1970 UTC.
const TIME: u64 = 1_767_225_600;
const TEN_YEARS_S: u64 = 3660 * 24 * 3600;
const HIGHEST: u64 = 1 << 48;

/// Draws contents.
pub(crate) struct Wants {
    keys: u64,
    /// The device has many groups, and loses them again.
    is_restless: bool,
}

impl Wants {
    pub(crate) fn new(is_restless: bool) -> Self {
        Self { keys: 0, is_restless }
    }

    pub(crate) fn content(
        &mut self,
        r: &mut Random,
        life: &Life,
        mut group: impl FnMut(&mut Random) -> u32,
    ) -> Content {
        let time = time(r, life.floor);
        let is_moving = self.is_restless && r.in_100(40);
        let kept = if is_moving { 10 } else { 75 };
        let mut ids: Vec<u32> = life.groups.keys().copied().filter(|_| r.in_100(kept)).collect();
        let more = match r.below(100) {
            _ if is_moving => 14,
            0..=1 => 18,
            _ => r.below(3),
        };
        ids.extend((0..more).map(|_| group(r)));
        ids.sort_unstable();
        if !r.in_100(1) {
            ids.dedup();
        }
        let floor = life.floor.max(time.min(life.floor.saturating_add(TEN_YEARS_S)));
        let mut groups: Vec<Wanted> = ids
            .into_iter()
            .map(|id| {
                let held = life.groups.get(&id);
                if is_moving { bare(id, held) } else { self.group(r, id, held, floor) }
            })
            .collect();
        if r.in_100(1) {
            groups.reverse();
        }
        if r.in_100(1) {
            groups.iter_mut().for_each(|group| group.entries.reverse());
        }
        Content {
            device: if r.in_100(1) { [1; 16] } else { [0; 16] },
            sequence: sequence(r, life.sequence),
            time,
            nonce: r.one(&[Nonce::Absent, Nonce::Absent, Nonce::Echoed, Nonce::Stale]),
            groups,
            flaw: flaw(r),
        }
    }

    fn group(&mut self, r: &mut Random, id: u32, held: Option<&Group>, floor: u64) -> Wanted {
        let known = held.map_or(1, |group| group.next);
        let lowest = held.and_then(|group| group.pgks.keys().next().copied()).unwrap_or(known);
        let next = match r.below(200) {
            0 => 0,
            1 => HIGHEST,
            2 => HIGHEST + 1,
            3..=140 => lowest,
            141..=160 => lowest + 1,
            161..=185 => known,
            186..=190 => known + 3,
            _ => 1,
        };
        let mut entries = Vec::new();
        for pgk in held.iter().flat_map(|group| group.pgks.values()) {
            if (pgk.policy.generation >= next && r.in_100(85)) || r.in_100(1) {
                entries.push(kept(r, pgk, floor));
            }
        }
        let first = known.max(next).saturating_sub(r.one(&[0, 0, 0, 0, 0, 1, 2]));
        for generation in first..first.saturating_add(r.one(&[0, 1, 1, 2, 3])) {
            let is_listed = entries.iter().any(|entry| entry.generation == generation);
            let is_below = generation < next && !r.in_100(2);
            if !is_listed && !is_below && (entries.len() < 4 || r.in_100(5)) {
                let mut entry = self.entry(r, generation, floor);
                // Another PGK's root or key, which may not serve twice.
                let other = held.and_then(|group| group.pgks.values().next());
                if let Some(pgk) = other.filter(|_| r.in_100(4)) {
                    (entry.key, entry.is_root) = (pgk.root.unwrap_or(pgk.key), pgk.root.is_some());
                }
                entries.push(entry);
            }
        }
        entries.sort_by_key(|entry| entry.generation);
        let member = held.map_or(1, |group| group.member);
        Wanted {
            group: if r.in_100(1) && r.in_100(20) { 1 << 24 } else { id },
            member: if r.in_100(94) { member } else { 1 + r.below(3) as u32 },
            next,
            may_send: r.in_100(92),
            entries,
        }
    }

    fn entry(&mut self, r: &mut Random, generation: u64, floor: u64) -> Entry {
        let is_root = r.in_100(30);
        let (profile, suite) = pair(r);
        Entry {
            generation,
            pgk_id: match r.below(100) {
                0 => 256,
                1..=15 => r.below(40) as u16,
                _ => (generation & 0xff) as u16,
            },
            key: self.key(r),
            is_root,
            profile,
            suite,
            // Of the profile without a label, mostly only where it is used.
            label: if profile != 2 || is_root || r.in_100(3) { label(r) } else { String::new() },
            terms: terms(r, floor),
        }
    }

    /// Mostly one that was never there before.
    fn key(&mut self, r: &mut Random) -> [u8; 32] {
        let mut key = [0x5a; 32];
        if r.in_100(10) {
            key[0] = r.below(3) as u8;
        } else {
            self.keys += 1;
            key[8..16].copy_from_slice(&self.keys.to_be_bytes());
        }
        key
    }
}

/// Profile and suite: mostly one of the pairs that there are.
fn pair(r: &mut Random) -> (u8, u8) {
    match r.below(100) {
        0 => (r.one(&[0, 3, 255]), 1),
        1 => (1, r.one(&[0, 4])),
        2 => (2, r.one(&[0, 1, 2, 4])),
        3..=35 => (2, 3),
        _ => (1, r.one(&[1, 1, 2, 3])),
    }
}

/// A group without PGKs.
fn bare(group: u32, held: Option<&Group>) -> Wanted {
    let (next, member) = held.map_or((1, 1), |held| (held.next.min(HIGHEST), held.member));
    Wanted { group, member, next, may_send: true, entries: Vec::new() }
}

/// A PGK that is held, as it is, with other terms, or as it may not be.
fn kept(r: &mut Random, pgk: &Pgk, floor: u64) -> Entry {
    let mut entry = Entry {
        generation: pgk.policy.generation,
        pgk_id: pgk.policy.pgk_id.into(),
        key: pgk.root.unwrap_or(pgk.key),
        is_root: pgk.root.is_some(),
        profile: pgk.policy.profile,
        suite: pgk.policy.suite,
        label: pgk.policy.label.clone(),
        terms: if r.in_100(30) { terms(r, floor) } else { pgk.terms },
    };
    match r.below(150) {
        0 => entry.key[31] ^= 1,
        1 => entry.is_root = !entry.is_root,
        2 => entry.pgk_id ^= 0x20,
        3 => entry.suite = entry.suite % 3 + 1,
        4 => entry.label = label(r),
        // The PGK itself where a root was, which is another entry.
        6 => entry.profile = entry.profile % 2 + 1,
        5 => (entry.key, entry.is_root) = (pgk.key, false),
        _ => {}
    }
    entry
}

fn label(r: &mut Random) -> String {
    match r.below(60) {
        0 => "é".repeat(16) + "x",
        1..=5 => "é".repeat(16),
        6..=25 => "field".to_owned(),
        _ => String::new(),
    }
}

fn terms(r: &mut Random, floor: u64) -> Terms {
    let not_after = match r.below(20) {
        0 => u64::MAX,
        1 => 1 + r.below(3),
        2..=3 => floor.saturating_sub(r.below(1500)).max(1),
        4 => floor.max(1),
        _ => floor.saturating_add(1 + r.below(20_000)),
    };
    let not_before = not_after.saturating_sub(1 + r.below(10_000));
    Terms {
        not_before: if r.in_100(1) { not_after } else { not_before },
        not_after,
        epoch_s: if r.in_100(1) { 0 } else { 1 + r.below(4000) as u32 },
        epoch_packets: if r.in_100(1) { 0 } else { r.one(&[1, 1000, u32::MAX]) },
        receive_grace_s: r.one(&[0, 0, 1, 600, 600, 4000, u32::MAX]),
        send_grace_s: r.one(&[0, 0, 0, 1, 300, 900, u32::MAX]),
        max_unsynced_s: r.one(&[0, 0, 0, 0, 1, 600, 4000, u32::MAX]),
        accept_rollback: r.in_100(40),
    }
}

fn time(r: &mut Random, floor: u64) -> u64 {
    if floor == 0 {
        return r.one(&[0, TIME, TIME, TIME, TIME + 5]);
    }
    match r.below(100) {
        0 => floor.saturating_add(TEN_YEARS_S),
        1 => floor.saturating_add(TEN_YEARS_S + 1),
        2 => u64::MAX,
        3 => 0,
        4..=20 => floor.saturating_sub(r.below(5000)),
        21..=50 => floor,
        _ => floor.saturating_add(r.below(1500)),
    }
}

fn sequence(r: &mut Random, last: u64) -> u64 {
    match r.below(1000) {
        0 => u64::MAX,
        1..=5 => 0,
        6..=20 => last,
        21..=40 => last.saturating_sub(1),
        41..=100 => last.saturating_add(1 + r.below(1000)),
        _ => last.saturating_add(1),
    }
}

fn flaw(r: &mut Random) -> Flaw {
    match r.below(100) {
        0 => Flaw::UnknownKey,
        1 => Flaw::NotShortest,
        2 => Flaw::CutShort,
        3 => Flaw::Trailing,
        4 => Flaw::NoTime,
        5..=7 => Flaw::Extension,
        _ => Flaw::None,
    }
}
