//! One radio's life: invited, enrolled, in groups, always asking; and what it knows of it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use fastrand::Rng;

use super::{GROUPS, Known, Shared};
use crate::failure::Failure;
use crate::manager::Manager;
use crate::radio::{Cut, Radio};

/// So often it asks before another one takes its place.
const ACTS: u32 = 40;
/// How often what did not come about is tried again when all is quiet.
const TRIES: u32 = 20;
/// Every n-th conversation ends before its time, and before every n-th the radio starts anew.
const ODD: u32 = 8;

pub(super) struct Life {
    pub(super) radio: Radio,
    pub(super) device: String,
    pub(super) enrolled: Known,
    pub(super) joined: BTreeMap<&'static str, Known>,
    acts: u32,
}

impl Life {
    pub(super) fn begin(manager: &Manager, shared: &Shared) -> Result<Self, Failure> {
        let number = shared.number.fetch_add(1, Ordering::Relaxed) + 1;
        let radio = Radio::new(number, &manager.pinned)?;
        let device = radio.status()?.device.to_string();
        let (enrolled, joined, acts) = (Known::No, BTreeMap::new(), 0);
        Ok(Self { radio, device, enrolled, joined, acts })
    }

    pub(super) fn is_old(&self) -> bool {
        self.acts >= ACTS
    }

    /// Whatever was on its way has come, or never will.
    pub(super) fn forget_doubts(&mut self) {
        self.radio.heard.doubtful.clear();
    }

    /// Asks until it is over.
    pub(super) fn live(
        &mut self,
        manager: &Manager,
        shared: &Shared,
        mut dice: Rng,
    ) -> Result<(), Failure> {
        while !shared.is_over() {
            if dice.u32(0..ODD) == 0 {
                self.radio.restart();
            }
            if dice.u32(0..ODD) == 0 {
                self.radio.cut = Some(Cut { spared: dice.u32(0..3), is_sent: dice.bool() });
            }
            let group = GROUPS[dice.usize(0..GROUPS.len())];
            match self.act(manager, shared, group) {
                Err(failure) if failure.is_passing() => thread::sleep(Duration::from_millis(1)),
                done => done?,
            }
            self.acts += 1;
        }
        Ok(())
    }

    /// The next thing that it wants.
    fn act(
        &mut self,
        manager: &Manager,
        shared: &Shared,
        group: &'static str,
    ) -> Result<(), Failure> {
        if self.radio.token.is_empty() {
            return self.radio.invite(manager);
        }
        if self.enrolled != Known::Yes {
            return self.enrol(manager, shared);
        }
        if self.joined.get(group) == Some(&Known::Yes) {
            return self.radio.update(manager).map(drop);
        }
        match self.join(manager, group) {
            Err(Failure::Refused { name, .. })
                if name == "not_authorised"
                    && shared.exclusion(group, &self.device) != Known::No =>
            {
                self.radio.update(manager).map(drop)
            }
            other => other,
        }
    }

    pub(super) fn enrol(&mut self, manager: &Manager, shared: &Shared) -> Result<(), Failure> {
        self.enrolled = Known::Maybe;
        self.radio.enrol(manager)?;
        self.enrolled = Known::Yes;
        if let Ok(mut all) = shared.enrolled.lock() {
            all.push(self.device.clone());
        }
        Ok(())
    }

    pub(super) fn join(&mut self, manager: &Manager, group: &'static str) -> Result<(), Failure> {
        self.joined.insert(group, Known::Maybe);
        let answer = self.radio.join(manager, group);
        // The answer to the first request of it is what lets it in; the rest may be lost.
        if self.radio.heard.members.contains_key(group) {
            self.joined.insert(group, Known::Yes);
        }
        answer
    }

    /// When all is quiet: what it wanted is done, and there is nothing new for it.
    pub(super) fn settle(&mut self, manager: &Manager, shared: &Shared) -> Result<(), Failure> {
        self.radio.cut = None;
        for _ in 0..TRIES {
            let wants = GROUPS.iter().find(|group| self.joined.get(*group) == Some(&Known::Maybe));
            let is_shut = |group: &str| shared.exclusion(group, &self.device) != Known::No;
            let wants = wants.filter(|group| !is_shut(group));
            if self.enrolled == Known::No {
                return Ok(());
            }
            if self.enrolled != Known::Yes || wants.is_some() {
                self.act(manager, shared, wants.unwrap_or(&GROUPS[0]))?;
            } else if !self.radio.update(manager)? {
                return Ok(());
            }
        }
        Err(Failure::Wrong(format!("{} never has all", self.radio.subscriber)))
    }
}
