//! A device and its model side by side, step by step.

use std::collections::{BTreeMap, BTreeSet};

use proseal_proto::command::RESPONSE_HEAD;
use proseal_proto::error::Code;
use proseal_proto::limit::RESPONSE_MAX;
use proseal_proto::role::Role;
use proseal_ta::sim::Fault;

use crate::answer::answer;
use crate::ask::{Ask, Start};
use crate::chance::every;
use crate::compare::{compare, contents, name};
use crate::device::{Actual, Device, Request, request, understand};
use crate::life::Life;
use crate::step::{Bad, Step};
use crate::store::{Disk, Store, Weather};
use crate::world::World;

/// More courses of things than this are never open at once.
const WORLDS: usize = 200;

pub(crate) struct History {
    device: Device,
    /// All that may be so, after what was seen.
    worlds: Vec<World>,
    pub(crate) start: Start,
    nonces: BTreeSet<[u8; 32]>,
    salts: BTreeSet<[u8; 8]>,
    /// Life of the device, group, generation and PTK Id of each epoch.
    epochs: BTreeSet<(u64, u32, u64, u16)>,
    calls: u64,
    /// A later TA has written the state: which octet says so, and what was there.
    later: Option<(usize, u8)>,
    /// The uptime at which the TA starts when the power comes back.
    uptime_ms: u64,
    /// What was answered last, for the report.
    pub(crate) told: String,
    /// How often each thing was answered.
    pub(crate) seen: BTreeMap<String, u64>,
}

impl History {
    /// A device that never held anything.
    pub(crate) fn new() -> Self {
        Self {
            device: Device::new(),
            worlds: vec![World::start(Disk::Nothing)],
            start: Start::default(),
            nonces: BTreeSet::new(),
            salts: BTreeSet::new(),
            epochs: BTreeSet::new(),
            calls: 0,
            later: None,
            uptime_ms: 0,
            told: String::new(),
            seen: BTreeMap::new(),
        }
    }

    /// What is held, as far as one of the open courses has it.
    pub(crate) fn life(&self) -> Life {
        let weather = self.weather();
        self.worlds.first().and_then(|world| world.sketch(&weather)).unwrap_or_default()
    }

    pub(crate) fn is_calm(&self) -> bool {
        let medium = self.device.medium();
        medium.fault == Fault::None
            && !medium.random_fails
            && medium.power_left.is_none()
            && self.later.is_none()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.device.medium().uptime_ms
    }

    /// An error says how the TA and the model differ.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), String> {
        self.told.clear();
        match step {
            Step::Ask { role, ask } => self.ask(*role, ask)?,
            Step::ShortRoom { role, ask } => self.short_room(*role, ask)?,
            Step::Bad { role, ask, how } => self.bad(*role, ask, *how)?,
            Step::Protection { level } => self.device.medium().rollback_protection = *level,
            Step::Pass { ms } => self.device.medium().uptime_ms += ms,
            Step::Restart { uptime_ms } => self.restart(*uptime_ms),
            Step::Fault { fault, spared } => {
                let mut medium = self.device.medium();
                medium.fault = *fault;
                medium.spared = *spared;
            }
            Step::Random { fails } => self.device.medium().random_fails = *fails,
            Step::Power { writes, uptime_ms } => {
                self.device.medium().power_left = Some(*writes);
                self.uptime_ms = *uptime_ms;
            }
            Step::Calm => self.calm(),
            Step::LaterTa { octet } => {
                if let Some(own) = self.device.octet(*octet) {
                    self.device.put_octet(*octet, own + 1);
                    self.later = Some((*octet, own));
                    self.restart(self.now_ms());
                }
            }
            Step::Burn { group, generation, starts } => self.burn(*group, *generation, *starts)?,
        }
        Ok(())
    }

    fn weather(&self) -> Weather {
        let too_new = self.is_later();
        let medium = self.device.medium();
        let store = match (medium.fault, medium.spared) {
            (Fault::None | Fault::Corrupt | Fault::ReadFails, _) => Store::Well,
            (Fault::WriteFails | Fault::WriteLies, 0) => Store::Fails,
            (Fault::WriteFails | Fault::WriteLies, _) => Store::Failing,
            (Fault::Full, 0) => Store::Full,
            (Fault::Full, _) => Store::Filling,
        };
        Weather {
            store,
            corrupt: medium.fault == Fault::Corrupt,
            read_fails: medium.fault == Fault::ReadFails,
            random_fails: medium.random_fails,
            protection: medium.rollback_protection,
            now_ms: medium.uptime_ms,
            call: self.calls,
            too_new,
            power_went: medium.is_off,
        }
    }

    fn ask(&mut self, role: Role, ask: &Ask) -> Result<(), String> {
        self.calls += 1;
        let mut weather = self.weather();
        let octets = self.device.call(role, &self.request(ask))?;
        weather.power_went = self.weather().power_went;
        let actual = if weather.power_went { Actual::Nothing } else { understand(ask, &octets)? };
        self.told = name(&actual);
        for what in contents(&actual) {
            *self.seen.entry(what).or_default() += 1;
        }
        let start = self.start;
        let (mut worlds, mut differences) = (Vec::new(), Vec::new());
        for world in &self.worlds {
            let courses = every(|chance| {
                let mut world = world.clone();
                let expected = answer(&mut world, ask, role, &weather, &start, chance);
                (world, expected)
            });
            for (world, expected) in courses {
                match compare(&expected, &actual, &start) {
                    Ok(()) if worlds.contains(&world) => {}
                    Ok(()) => worlds.push(world),
                    Err(difference) => differences.push(difference),
                }
            }
        }
        if worlds.is_empty() {
            return Err(differences.join("\nor "));
        }
        if worlds.len() > WORLDS {
            return Err(format!("{} courses are open", worlds.len()));
        }
        self.worlds = worlds;
        self.learn(ask, &actual)?;
        if weather.power_went {
            self.restart(self.uptime_ms);
        }
        Ok(())
    }

    fn request(&self, ask: &Ask) -> Request {
        match ask {
            Ask::Install { content, .. } => request(ask, &content.octets(&self.start)),
            _ => request(ask, &[]),
        }
    }

    /// What an answer says beyond what could be foreseen: it must be new.
    fn learn(&mut self, ask: &Ask, actual: &Actual) -> Result<(), String> {
        match actual {
            Actual::Refused(_) => self.start.refusals += 1,
            Actual::Status(reply) if self.start.nonce.is_none() => {
                if !self.nonces.insert(reply.start_nonce) {
                    return Err("a start nonce came again".to_owned());
                }
                self.start.nonce = Some(reply.start_nonce);
            }
            Actual::Sent(reply) => {
                // Whether there is one was compared.
                if reply.salt.0 != [0; 8] && !self.salts.insert(reply.salt.0) {
                    return Err("a salt came again".to_owned());
                }
                let Ask::Send { group, generation } = ask else {
                    return Err("an epoch that nobody asked for".to_owned());
                };
                let births: BTreeSet<u64> = self.worlds.iter().filter_map(World::born).collect();
                // Each course may have its own life, of which one is real.
                let mut is_new = false;
                for born in births {
                    is_new |= self.epochs.insert((born, *group, *generation, reply.ptk_id.get()));
                }
                if !is_new {
                    return Err("an epoch came again".to_owned());
                }
            }
            Actual::Done
                if matches!(ask, Ask::Erase { .. }) && self.device.medium().object.is_some() =>
            {
                return Err("erased, and still there".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn short_room(&mut self, role: Role, ask: &Ask) -> Result<(), String> {
        let mut request = self.request(ask);
        request.room -= 1;
        let octets = self.device.call(role, &request)?;
        if !octets.is_empty() {
            return Err("a response without room for it".to_owned());
        }
        self.start.refusals += 1;
        Ok(())
    }

    fn bad(&mut self, role: Role, ask: &Ask, how: Bad) -> Result<(), String> {
        let mut request = self.request(ask);
        how.spoil(ask, &mut request);
        request.room = RESPONSE_MAX;
        let octets = self.device.call(role, &request)?;
        if octets.len() != RESPONSE_HEAD {
            return Err(format!("{} octets instead of a refusal", octets.len()));
        }
        let code = Code::from_number(u32::from_be_bytes(octets.try_into().expect("four octets")));
        let right = how.code(ask, role);
        if code != Some(right) {
            return Err(format!("{code:?} instead of {right:?}"));
        }
        *self.seen.entry(format!("refusal {right}")).or_default() += 1;
        self.start.refusals += 1;
        Ok(())
    }

    fn restart(&mut self, uptime_ms: u64) {
        {
            let mut medium = self.device.medium();
            if medium.is_off {
                medium.power_left = None;
                medium.is_off = false;
            }
            medium.uptime_ms = uptime_ms;
        }
        self.device.restart();
        self.start = self.start.ended();
        let mut worlds: Vec<World> = Vec::new();
        for world in self.worlds.drain(..) {
            let world = World::start(world.disk);
            if !worlds.contains(&world) {
                worlds.push(world);
            }
        }
        self.worlds = worlds;
    }

    /// Whether the state is still the later TA's.
    fn is_later(&self) -> bool {
        self.later.is_some_and(|(octet, own)| self.device.octet(octet) == Some(own + 1))
    }

    fn calm(&mut self) {
        {
            let mut medium = self.device.medium();
            medium.fault = Fault::None;
            medium.random_fails = false;
            medium.power_left = None;
        }
        if self.is_later() {
            let (octet, own) = self.later.expect("it is later");
            self.device.put_octet(octet, own);
            self.restart(self.now_ms());
        }
        self.later = None;
    }

    fn burn(&mut self, group: u32, generation: u64, starts: u32) -> Result<(), String> {
        for _ in 0..starts {
            self.restart(self.now_ms());
            self.ask(Role::Daemon, &Ask::Send { group, generation })?;
            if self.told.starts_with("refusal") {
                break;
            }
        }
        Ok(())
    }
}
