//! The operator, who changes the groups' keys one after the other, and what he knows of it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::{GROUPS, Known, Shared};
use crate::failure::Failure;
use crate::manager::Manager;

/// The longest pause after an act.
const PAUSE_MS: u64 = 15;

/// A group's keys, as they were acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// What is below is ended.
    pub(super) next: u64,
    /// The highest generation.
    pub(super) last: u64,
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Rotate,
    Replace,
    Exclude(String),
}

pub(super) struct Desk {
    pub(super) keys: BTreeMap<&'static str, Keys>,
    /// What was asked for, of which group, and not answered.
    asked: Option<(&'static str, Act)>,
    /// How many acts were acknowledged, by how the audit begins to tell them.
    pub(super) done: BTreeMap<String, u64>,
}

impl Act {
    fn audit(&self, group: &str) -> String {
        match self {
            Self::Rotate => format!("key rotate {group}"),
            Self::Replace => format!("key replace {group}: "),
            Self::Exclude(device) => format!("exclude {device} from {group}: "),
        }
    }
}

impl Desk {
    pub(super) fn new(manager: &Manager) -> Result<Self, Failure> {
        let mut desk = Self { keys: BTreeMap::new(), asked: None, done: BTreeMap::new() };
        for group in GROUPS {
            desk.look(manager, group)?;
        }
        Ok(desk)
    }

    /// How many of its acts were done, for people.
    pub(super) fn told(&self) -> String {
        let of = |what: &str| -> u64 {
            self.done.iter().filter(|(text, _)| text.starts_with(what)).map(|(_, many)| many).sum()
        };
        let [rotated, replaced, excluded] = ["key rotate", "key replace", "exclude"].map(of);
        format!("{rotated} rotations, {replaced} replacements, {excluded} exclusions")
    }

    /// What may have been done without an answer, as the audit would begin to tell it, and of
    /// which group.
    pub(super) fn doubtful(&self) -> Option<(&'static str, String)> {
        self.asked.as_ref().map(|(group, act)| (*group, act.audit(group)))
    }

    /// All keys of the first group end at once, and a new one begins.
    pub(super) fn replace(&mut self, manager: &Manager, shared: &Shared) -> Result<(), Failure> {
        self.act(manager, shared, GROUPS[0], Act::Replace)
    }

    /// Works until it is over, or an answer does not come.
    pub(super) fn work(
        &mut self,
        manager: &Manager,
        shared: &Shared,
        mut dice: Rng,
    ) -> Result<(), Failure> {
        while !shared.is_over() && self.asked.is_none() {
            let group = GROUPS[dice.usize(0..GROUPS.len())];
            let one = shared.enrolled.lock().ok().and_then(|all| dice.choice(all.iter()).cloned());
            let act = match (dice.u32(0..8), one) {
                (0, Some(device)) => Act::Exclude(device),
                (1, _) => Act::Replace,
                _ => Act::Rotate,
            };
            self.act(manager, shared, group, act)?;
            thread::sleep(Duration::from_millis(dice.u64(0..PAUSE_MS)));
        }
        Ok(())
    }

    fn act(
        &mut self,
        manager: &Manager,
        shared: &Shared,
        group: &'static str,
        act: Act,
    ) -> Result<(), Failure> {
        let (path, body) = match &act {
            Act::Rotate => ("rotate", json!({})),
            Act::Replace => ("replace", json!({})),
            Act::Exclude(device) => {
                self.know(shared, group, device, Known::Maybe);
                ("exclude", json!({ "device": device }))
            }
        };
        self.asked = Some((group, act.clone()));
        let said = match manager.operate(&format!("POST /v1/groups/{group}/{path}"), Some(&body)) {
            // So many in a second have no place beside each other: it is done later.
            Err(Failure::Refused { status: 409, .. }) => None,
            Err(failure) if failure.is_passing() => return Ok(()),
            said => Some(said?),
        };
        self.asked = None;
        let Some(said) = said else { return Ok(()) };
        *self.done.entry(act.audit(group)).or_default() += 1;
        if let Act::Exclude(device) = &act {
            self.know(shared, group, device, Known::Yes);
        }
        let keys = self.keys.entry(group).or_default();
        keys.next = said["below"].as_u64().unwrap_or(keys.next);
        let all = said["generations"].as_array().into_iter().flatten();
        let last = all.filter_map(|one| one["generation"].as_u64()).max().unwrap_or_default();
        keys.last = keys.last.max(last);
        Ok(())
    }

    /// Nobody takes an exclusion back.
    fn know(&self, shared: &Shared, group: &str, device: &str, known: Known) {
        if let Ok(mut all) = shared.excluded.lock() {
            let kept = all.entry((group.to_owned(), device.to_owned())).or_default();
            *kept = known.max(*kept);
        }
    }

    /// When all is quiet: an exclusion that was asked for is done, and of all else it is found
    /// out whether it was.
    pub(super) fn settle(&mut self, manager: &Manager, shared: &Shared) -> Result<(), Failure> {
        let Some((group, act)) = self.asked.take() else { return Ok(()) };
        let text = act.audit(group);
        let done = audited(manager, &text)?;
        self.done.insert(text, done);
        self.look(manager, group)?;
        match act {
            Act::Exclude(device) => self.act(manager, shared, group, Act::Exclude(device)),
            Act::Rotate | Act::Replace => Ok(()),
        }
    }

    /// Takes a group's keys as they are.
    fn look(&mut self, manager: &Manager, group: &'static str) -> Result<(), Failure> {
        let said = manager.operate(&format!("GET /v1/groups/{group}"), None)?;
        let all = said["generations"].as_array().into_iter().flatten();
        let last = all.filter_map(|one| one["generation"].as_u64()).max().unwrap_or_default();
        let next = said["next"].as_u64().unwrap_or_default();
        self.keys.insert(group, Keys { next, last });
        Ok(())
    }
}

/// How many acts the audit tells that begin so.
fn audited(manager: &Manager, text: &str) -> Result<u64, Failure> {
    let (mut count, mut path) = (0, "GET /v1/audit?limit=500".to_owned());
    loop {
        let said = manager.operate(&path, None)?;
        let entries = said["entries"].as_array().cloned().unwrap_or_default();
        let is_it =
            |entry: &&Value| entry["what"].as_str().is_some_and(|what| what.starts_with(text));
        count += entries.iter().filter(is_it).count() as u64;
        let Some(next) = said["next"].as_str() else { return Ok(count) };
        path = format!("GET /v1/audit?limit=500&after={next}");
    }
}
