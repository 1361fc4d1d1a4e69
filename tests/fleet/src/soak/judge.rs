//! Compares the manager's database with what was acknowledged to radios and operator, with
//! what it said before, and with what the radios hold.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::desk::Desk;
use super::life::Life;
use super::record::{Reader, Record};
use super::{GROUPS, Known, Shared};
use crate::failure::Failure;
use crate::manager::Manager;

pub(super) struct Judge {
    reader: Reader,
    /// What it said last.
    before: Record,
}

/// Fails with a text unless it is so.
macro_rules! must {
    ($is:expr, $($text:tt)*) => {
        if !$is {
            return Err(Failure::Wrong(format!($($text)*)));
        }
    };
}

impl Judge {
    pub(super) fn new(manager: &Manager) -> Result<Self, Failure> {
        let reader = Reader::new(manager)?;
        let before = reader.read()?;
        Ok(Self { reader, before })
    }

    /// Nothing that was acknowledged is missing, and nothing that was written is otherwise.
    pub(super) fn acknowledged(
        &mut self,
        lives: &[Life],
        past: &[Life],
        desk: &Desk,
        shared: &Shared,
    ) -> Result<(), Failure> {
        let record = self.reader.read()?;
        only_grown(&self.before, &record)?;
        for life in lives.iter().chain(past) {
            radio(life, &record, shared)?;
        }
        keys(desk, &record)?;
        exclusions(&record, shared)?;
        self.before = record;
        Ok(())
    }

    /// Each radio holds what it should, no more, and the manager knows it.
    pub(super) fn converged(
        &self,
        manager: &Manager,
        lives: &[Life],
        shared: &Shared,
    ) -> Result<(), Failure> {
        let record = self.reader.read()?;
        for life in lives.iter().filter(|life| life.enrolled == Known::Yes) {
            let name = &life.radio.subscriber;
            let said = manager.operate(&format!("GET /v1/devices/{}", life.device), None)?;
            let is_known = said["package"] == "applied" || said["package"] == "no_package";
            must!(is_known && said["alarms"] == json!([]), "{name}: the manager has it as {said}");
            let status = life.radio.status()?;
            let newest = record.packages.range(of(&life.device)).next_back();
            let sequence = newest.map_or(0, |((_, sequence), _)| *sequence);
            must!(status.sequence == sequence, "{name} is at {}, not {sequence}", status.sequence);
            for group in GROUPS {
                let held = status.groups.iter().find(|held| held.group.to_string() == group);
                let held = held.map_or(Vec::new(), |held| {
                    held.pgks.iter().map(|pgk| pgk.generation.get()).collect()
                });
                let wanted = wanted(&record, group, &life.device);
                must!(
                    wanted.iter().all(|one| held.contains(&one.0))
                        && held.iter().all(|one| wanted.iter().any(|wanted| wanted.0 == *one)
                            || is_over(&record, group, *one)),
                    "{name} holds {held:?} of {group}, not {wanted:?}"
                );
                let is_in = life.joined.get(group) == Some(&Known::Yes);
                let is_shut = shared.exclusion(group, &life.device) == Known::Yes;
                must!(is_shut || !is_in || !wanted.is_empty(), "{name} has no key of {group}");
                must!(!is_shut || held.is_empty(), "{name} is excluded and holds {held:?}");
            }
        }
        Ok(())
    }

    /// How much the database has of each kind; that there is some of each is what makes a run
    /// worth anything.
    pub(super) fn counts(&self) -> Result<Value, Failure> {
        let kinds =
            ["device enrol", "member join", "package", "key rotate", "key replace", "exclude"];
        let mut counts = Map::new();
        for kind in kinds {
            let count = self.before.audit.iter().filter(|what| what.starts_with(kind)).count();
            must!(count > 0, "there was no `{kind}` at all");
            counts.insert(kind.to_owned(), json!(count));
        }
        Ok(Value::Object(counts))
    }
}

/// What was written stays: no sequence has two contents, no generation two keys, and who was
/// given what is not forgotten.
fn only_grown(before: &Record, now: &Record) -> Result<(), Failure> {
    for (at, octets) in &before.packages {
        must!(now.packages.get(at) == Some(octets), "package {at:?} is gone, or another one");
    }
    for (at, member) in &before.given {
        must!(now.given.get(at) == Some(member), "that {at:?} was given is gone");
    }
    for (at, generation) in &before.generations {
        let stays = now
            .generations
            .get(at)
            .is_some_and(|now| now.sealed_key.is_none() || now.sealed_key == generation.sealed_key);
        must!(stays, "generation {at:?} is gone, or has another key");
    }
    for (group, (next, last)) in &before.groups {
        let grown = now.groups.get(group).is_some_and(|now| now.0 >= *next && now.1 >= *last);
        must!(grown, "group {group} has gone back");
    }
    must!(now.audit.len() >= before.audit.len(), "the audit is shorter");
    Ok(())
}

/// What was acknowledged to a radio.
fn radio(life: &Life, record: &Record, shared: &Shared) -> Result<(), Failure> {
    let (id, heard) = (&life.device, &life.radio.heard);
    let name = &life.radio.subscriber;
    let device = record.devices.get(id);
    must!(life.enrolled != Known::No || device.is_none(), "{name} never enrolled and is there");
    let enrolled = format!("device enrol {id} as {name}");
    let times = record.audit.iter().filter(|what| **what == enrolled).count();
    must!(times == 1 || (times == 0 && life.enrolled != Known::Yes), "{times} times: {enrolled}");
    let Some(device) = device else {
        must!(life.enrolled != Known::Yes, "{name} was enrolled, and is not there");
        return Ok(());
    };
    must!(
        device.standing == "approved" && device.subscriber.as_ref() == Some(name),
        "{name} is {} as {:?}",
        device.standing,
        device.subscriber
    );
    // A receipt is on the disk, or a later one.
    let is_it = |statement: &Vec<u8>| *statement == device.statement;
    let is_known = heard.acknowledged.iter().chain(&heard.doubtful).any(is_it);
    must!(is_known, "{name}: the newest statement is neither acknowledged nor on its way");
    for (sequence, octets) in &heard.packages {
        let stored = record.packages.get(&(id.clone(), *sequence));
        must!(
            stored == Some(octets),
            "{name} has a package {sequence} that is not in the database"
        );
        must!(device.sequence_given >= *sequence, "{name}: sequence {sequence} may come again");
    }
    for group in GROUPS {
        let member = record.members.get(&(group.to_owned(), id.clone()));
        let joined = life.joined.get(group).copied().unwrap_or_default();
        let excluded = shared.exclusion(group, id);
        must!(joined != Known::No || member.is_none(), "{name} never joined {group}, and is in it");
        must!(
            member.is_some() || joined != Known::Yes || excluded != Known::No,
            "{name} was let into {group}, and is not in it"
        );
        if let (Some(member), Some(told)) = (member, heard.members.get(group)) {
            must!(member.id == *told, "{name} is {} in {group}, not {told}", member.id);
        }
        let text = format!("member join {group} {id} as ");
        let times = record.audit.iter().filter(|what| what.starts_with(&text)).count();
        let is_right = times == 1 || (times == 0 && joined != Known::Yes);
        must!(is_right, "{times} times: {text}");
    }
    Ok(())
}

/// What was acknowledged to the operator.
fn keys(desk: &Desk, record: &Record) -> Result<(), Failure> {
    let doubtful = desk.doubtful();
    for (group, keys) in &desk.keys {
        let now = record.groups.get(*group).copied().unwrap_or_default();
        let is_same = now == (keys.next, keys.last);
        let is_doubtful = doubtful.as_ref().is_some_and(|(of, _)| of == group);
        let is_further = now.0 >= keys.next && now.1 > keys.last;
        must!(
            is_same || (is_doubtful && is_further),
            "group {group}: {keys:?} was acknowledged, and it is at {now:?}"
        );
    }
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    let of_operator = |what: &str| {
        let (kind, rest) = (what.split(' ').next(), what.split(' ').nth(1));
        kind == Some("exclude") || (kind == Some("key") && rest != Some("add"))
    };
    for what in record.audit.iter().filter(|what| of_operator(what)) {
        // The number in the end is not known before.
        let text = what.rfind(": ").map_or(what.as_str(), |at| &what[..at + 2]);
        *told.entry(text).or_default() += 1;
    }
    for text in told.keys().copied().chain(desk.done.keys().map(String::as_str)) {
        let acknowledged = desk.done.get(text).copied().unwrap_or_default();
        let now = told.get(text).copied().unwrap_or_default();
        let is_doubtful = doubtful.as_ref().is_some_and(|(_, of)| of == text);
        let is_right = now == acknowledged || (is_doubtful && now == acknowledged + 1);
        must!(is_right, "`{text}` was acknowledged {acknowledged} times, and was done {now} times");
    }
    Ok(())
}

/// Who was excluded is out, and gets nothing any more.
fn exclusions(record: &Record, shared: &Shared) -> Result<(), Failure> {
    let excluded = shared.excluded.lock().map(|all| all.clone()).unwrap_or_default();
    for ((group, device), known) in excluded {
        let at = (group, device);
        let (is_member, is_barred) =
            (record.members.contains_key(&at), record.barred.contains(&at));
        let is_right = if is_barred { !is_member } else { known == Known::Maybe };
        must!(is_right, "{at:?} was excluded: member {is_member}, barred {is_barred}");
        let (next, _) = record.groups.get(&at.0).copied().unwrap_or_default();
        let given =
            record.given.keys().filter(|(group, _, device)| (group, device) == (&at.0, &at.1));
        let highest = given.map(|(_, generation, _)| *generation).max().unwrap_or_default();
        must!(!is_barred || highest < next, "{at:?} is excluded and has generation {highest}");
    }
    Ok(())
}

/// All packages of a device.
fn of(device: &str) -> std::ops::RangeInclusive<(String, u64)> {
    (device.to_owned(), 0)..=(device.to_owned(), u64::MAX)
}

/// The generations that a member is to hold, and when they are over.
fn wanted(record: &Record, group: &str, device: &str) -> Vec<(u64, u64)> {
    let Some(member) = record.members.get(&(group.to_owned(), device.to_owned())) else {
        return Vec::new();
    };
    let (next, _) = record.groups.get(group).copied().unwrap_or_default();
    let least = next.max(member.joins_from);
    let all = record.generations.iter().filter(|((of, number), generation)| {
        of == group
            && *number >= least
            && generation.sealed_key.is_some()
            && !generation.is_withdrawn
            && generation.closes > now()
    });
    all.map(|((_, number), generation)| (*number, generation.closes)).collect()
}

/// Whether a generation is over, or nearly: a radio that has it still is as good.
fn is_over(record: &Record, group: &str, number: u64) -> bool {
    let (next, _) = record.groups.get(group).copied().unwrap_or_default();
    let generation = record.generations.get(&(group.to_owned(), number));
    number >= next && generation.is_some_and(|one| one.closes <= now() || one.is_withdrawn)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
