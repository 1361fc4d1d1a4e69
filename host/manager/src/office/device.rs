//! Devices: statements in, approval, loss.

use proseal_issuer::Statement;
use proseal_proto::id::DeviceId;
use subtle::ConstantTimeEq;

use super::{Ended, Work};
use crate::domain::Refusal;
use crate::domain::alarm::Alarm;
use crate::domain::device::{Known, Standing, is_floor_ahead, receive};
use crate::domain::number;
use crate::failure::Failure;
use crate::store::device::{self, Device};
use crate::store::{group, manager, member, package};

/// Sequences are signed numbers in the database, with room for more.
const SEQUENCE_MAX: u64 = 1 << 62;

/// What came of a statement.
pub(crate) struct Imported {
    /// The device as it is known now.
    pub(crate) device: Device,
    /// It was not known before.
    pub(crate) is_new: bool,
    /// It says that it belongs to this manager.
    pub(crate) is_ours: bool,
    pub(crate) alarms: Vec<Alarm>,
    /// The groups that got a new key because of it.
    pub(crate) rotated: Vec<String>,
}

/// How a statement is taken.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms<'a> {
    /// What to call the device.
    pub(super) name: Option<&'a str>,
    /// An operator knows why its sequence is older.
    pub(super) accepted: bool,
    /// When the nonce ends that it is over, if it is one of ours.
    pub(super) nonce_until: Option<u64>,
}

impl Work<'_> {
    /// Takes a device's statement, whose signature holds (`octets` are it): a new device
    /// waits for approval, a known one reports. `accepted`: an operator knows why its
    /// sequence is older.
    pub(crate) async fn import(
        &mut self,
        statement: Statement,
        octets: &[u8],
        name: Option<&str>,
        accepted: bool,
    ) -> Result<Imported, Failure> {
        let known = device::find(&mut self.change, statement.device.id()).await?;
        self.import_of(known, statement, octets, Terms { name, accepted, nonce_until: None }).await
    }

    /// The same of a device as it is `known`.
    pub(super) async fn import_of(
        &mut self,
        known: Option<Device>,
        statement: Statement,
        octets: &[u8],
        terms: Terms<'_>,
    ) -> Result<Imported, Failure> {
        let Terms { name, accepted, nonce_until } = terms;
        let id = statement.device.id();
        if statement.sequence > SEQUENCE_MAX {
            return Err(Refusal::NoSequence { device: id }.into());
        }
        let root = self.identity.root.digest();
        let is_ours = statement.root_digest == root;
        let is_new = known.is_none();
        let mut device = known.unwrap_or_else(|| Device {
            id,
            name: None,
            subscriber: None,
            standing: Standing::Pending,
            statement: statement.clone(),
            octets: Vec::new(),
            stated_at: self.now,
            sequence_seen: 0,
            sequence_given: 0,
            rolled_back: false,
            nonce_until: 0,
            newest: None,
        });
        let before = Known { sequence: device.sequence_seen, rolled_back: device.rolled_back };
        let (stated, digest) = (statement.sequence, statement.package_digest);
        let is_made = self.is_made(&device, stated, &digest).await?;
        let receipt = receive(before, stated, is_made, accepted);
        let is_older = statement.floor < device.statement.floor;
        let is_said_again =
            (device.statement.sequence, device.statement.package_digest) == (stated, digest);
        self.rename(&mut device, name).await?;
        device.statement = statement;
        device.octets = octets.to_vec();
        device.stated_at = self.now;
        device.sequence_seen = receipt.sequence;
        device.rolled_back = receipt.rolled_back;
        device.nonce_until = nonce_until.unwrap_or(device.nonce_until);
        let is_put_back = receipt.unknown_sequence && is_ours;
        // Before it is approved anybody may have made it.
        if is_put_back && device.standing == Standing::Approved && !is_said_again {
            self.pass_lost_time(&mut device).await?;
        }
        if is_new || name.is_some() {
            device::save(&mut self.change, &device, &root).await?;
        } else {
            device::restate(&mut self.change, &device, &root).await?;
        }
        let rotated = if receipt.returns { self.enter_again(id).await? } else { Vec::new() };
        let alarms = [
            (receipt.rolled_back, Alarm::RolledBack),
            (device.is_foreign(&root), Alarm::ForeignRoot),
            (is_put_back, Alarm::UnknownSequence),
            (is_older, Alarm::OlderStatement),
            (is_floor_ahead(device.statement.floor, self.now), Alarm::FloorAhead),
        ];
        let alarms = alarms.into_iter().filter_map(|(is, alarm)| is.then_some(alarm)).collect();
        Ok(Imported { device, is_new, is_ours, alarms, rotated })
    }

    async fn is_made(
        &mut self,
        device: &Device,
        stated: u64,
        digest: &[u8; 32],
    ) -> Result<bool, Failure> {
        match device.newest {
            _ if stated == 0 => Ok(false),
            Some(newest) if newest.sequence == stated => Ok(newest.digest == *digest),
            _ => Ok(package::is_made(&mut self.change, device.id, stated, digest).await?),
        }
    }

    async fn rename(&mut self, device: &mut Device, name: Option<&str>) -> Result<(), Failure> {
        let Some(name) = name else { return Ok(()) };
        if let Some(called) = device.name.clone().filter(|called| called != name) {
            return Err(Refusal::OtherName { device: device.id, called }.into());
        }
        // Also where the case differs: on a stick both would be one file.
        let other = device::named(&mut self.change, name).await?;
        if let Some(other) = other.filter(|other| other.id != device.id) {
            let text = format!("device {} has the name {name} already", other.id);
            return Err(Failure::Taken(text));
        }
        device.name = Some(name.to_owned());
        Ok(())
    }

    /// Approves a device by the id that its secure console shows. Others of the same
    /// subscriber are its older identities, and are declared lost: those are what comes back.
    pub(crate) async fn approve(
        &mut self,
        typed: DeviceId,
    ) -> Result<(Device, Vec<Ended>), Failure> {
        let found = device::find(&mut self.change, typed).await?;
        let found = found.filter(|device| bool::from(device.id.0.ct_eq(&typed.0)));
        let mut device = found.ok_or(Refusal::NoSuchFingerprint)?;
        match device.standing {
            Standing::Pending => device.standing = Standing::Approved,
            Standing::Approved => return Err(Refusal::ApprovedAlready { device: device.id }.into()),
            Standing::Lost => return Err(Refusal::Lost { device: device.id }.into()),
        }
        let root = self.identity.root.digest();
        let (stated, digest) = (device.statement.sequence, device.statement.package_digest);
        let is_made = self.is_made(&device, stated, &digest).await?;
        if device.is_ours(&root) && stated > 0 && !is_made {
            self.pass_lost_time(&mut device).await?;
        }
        let ended = self.replace_older(&mut device).await?;
        device::save(&mut self.change, &device, &root).await?;
        manager::bump_revision(&mut self.change).await?;
        self.note(format!("device approve {}", device.id));
        Ok((device, ended))
    }

    /// A subscriber has one radio: his older ones are lost, and the new one has their name.
    async fn replace_older(&mut self, device: &mut Device) -> Result<Vec<Ended>, Failure> {
        let Some(subscriber) = device.subscriber.clone() else { return Ok(Vec::new()) };
        let mut ended = Vec::new();
        for mut older in device::of_subscriber(&mut self.change, &subscriber).await? {
            if older.id == device.id || older.standing != Standing::Approved {
                continue;
            }
            let name = older.name.take().filter(|_| device.name.is_none());
            ended.extend(self.lose(older).await?);
            device.name = name.or(device.name.take());
        }
        if device.name.is_none() && device::named(&mut self.change, &subscriber).await?.is_none() {
            device.name = Some(subscriber);
        }
        Ok(ended)
    }

    /// A device is gone for good: it is excluded from all of its groups.
    pub(crate) async fn lose(&mut self, mut device: Device) -> Result<Vec<Ended>, Failure> {
        let (id, signer) = (device.id, self.signer().await?);
        let mut ended = Vec::new();
        for group in group::held(&mut self.change, id).await? {
            member::delete(&mut self.change, group.id, id).await?;
            let timeline = self.replace(&group, &signer).await?;
            ended.push(Ended { group, timeline });
        }
        device.standing = Standing::Lost;
        device::save(&mut self.change, &device, &self.identity.root.digest()).await?;
        self.note(format!("device lost {id}: excluded from {} groups", ended.len()));
        Ok(ended)
    }

    /// An operator knows why a device's sequence is older: its newest statement is the
    /// measure from here on. The groups that got a new key because of it.
    pub(crate) async fn accept_rollback(&mut self, device: Device) -> Result<Imported, Failure> {
        let (statement, octets) = (device.statement.clone(), device.octets.clone());
        let imported = self.import(statement, &octets, None, true).await?;
        let id = imported.device.id;
        self.note(format!("device {id}: an older sequence accepted"));
        Ok(imported)
    }

    /// A device has applied what this database never made. Whatever else was given in that
    /// time: no number of it is used again, and who joins a group gets nothing of it.
    async fn pass_lost_time(&mut self, device: &mut Device) -> Result<(), Failure> {
        let least = number::past(device.statement.sequence, self.now);
        group::bar_joining(&mut self.change, least).await?;
        device.sequence_given = device.sequence_given.max(least);
        Ok(())
    }
}
