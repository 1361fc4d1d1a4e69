//! All traffic of one radio. It counts every frame once: what came in was delivered,
//! taken in as an object or dropped, or it waits.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use proseal_proto::id::{Generation, GroupId};
use proseal_proto::key::AdmissionKey;
use proseal_proto::message::{Receive, ReceiveReply, Send, SendReply, StatusReply};

use crate::drops::{DropReason, Drops};
use crate::event::Event;
use crate::frame::{self, COMMON, Frame, SduType};
use crate::group::Group;
use crate::highwater::Mark;
use crate::highwater::file::Owner;
use crate::object::{Kind, NotCarried, Objects};
use crate::receive::{Out, Receiver, Verdict};
use crate::send::{Epoch, Outbound, Unsent};
use crate::time::Time;

/// What is to be done outside.
pub enum Action {
    /// Ask the TEE for keys of others; the answer goes to [`Station::keys`].
    Receive(Receive),
    /// Ask the TEE for an epoch to send with; the answer goes to [`Station::epoch`].
    Send(Send),
    /// Replace the high-water file by this; the end goes to [`Station::saved`].
    Save(Vec<u8>),
    /// Replace the file of what is carried for others by this; the end goes to
    /// [`Station::kept`].
    Keep(Vec<u8>),
    /// Have the trusted application import this, then [`Station::configure`].
    Import(Vec<u8>),
    /// Send this frame to its group.
    Transmit(GroupId, Vec<u8>),
    /// Tell the operator.
    Report(Event),
}

/// What came in and went out, in frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came in.
    pub received: u64,
    /// Of these, delivered.
    pub delivered: u64,
    /// Of these, objects that were taken in.
    pub objects: u64,
    /// Of these, dropped.
    pub drops: Drops,
    /// Payloads that became frames.
    pub sent: u64,
    /// Payloads that did not.
    pub unsent: u64,
    /// Objects that were sent.
    pub objects_sent: u64,
}

impl Counters {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Deliver(_) => self.delivered = self.delivered.saturating_add(1),
            Verdict::Object => self.objects = self.objects.saturating_add(1),
            Verdict::Drop(reason) => self.drops.count(reason),
            Verdict::Wait => {}
        }
    }
}

/// Sending in one group, and the newest generation that others were heard to use.
struct Sending {
    group: GroupId,
    outbound: Outbound,
    heard: Option<Generation>,
}

/// One radio.
#[derive(Default)]
pub struct Station {
    receiver: Receiver,
    sending: Vec<Sending>,
    objects: Objects,
    imports: VecDeque<Vec<u8>>,
    counters: Counters,
}

impl Station {
    /// Goes over to what the device holds now: `admission` gives the keys that
    /// [`crate::group::admissions`] lists, `marks` come from the high-water file.
    pub fn configure(
        &mut self,
        now: Time,
        status: &StatusReply,
        mut admission: impl FnMut(GroupId, Generation) -> Option<AdmissionKey>,
        marks: &[(Owner, Mark)],
        out: &mut Out<'_>,
    ) {
        let groups = status.groups.iter();
        let groups: Vec<_> = groups
            .map(|group| Group::new(group, |generation| admission(group.group, generation)))
            .collect();
        self.sending.retain(|sending| groups.iter().any(|group| group.id == sending.group));
        for group in &groups {
            match self.sending.iter_mut().find(|sending| sending.group == group.id) {
                Some(sending) => {
                    sending.outbound.forget(|generation| group.pgk(generation).is_some());
                }
                None => self.sending.push(Sending {
                    group: group.id,
                    outbound: Outbound::new(group.id),
                    heard: None,
                }),
            }
        }
        self.receiver.configure(groups, marks);
        self.objects.configure(status);
        let Self { receiver, counters, .. } = self;
        receiver.release(now, &mut |verdict, octets| {
            counters.count(verdict);
            out(verdict, octets);
        });
    }

    /// A frame that came in. What is delivered was opened in place.
    pub fn receive(&mut self, now: Time, octets: &mut [u8]) -> Verdict {
        self.counters.received = self.counters.received.saturating_add(1);
        let verdict = match Frame::read(octets) {
            Err(reason) => Verdict::Drop(reason),
            Ok(Frame::Object) => self.object(now, octets),
            Ok(Frame::Data(data)) => {
                let verdict = self.receiver.receive(now, data, octets);
                match verdict {
                    Verdict::Drop(DropReason::UnknownIndex) => {
                        self.objects.unknown_index(now.up, data.group);
                    }
                    Verdict::Deliver(delivery) => heard(&mut self.sending, delivery),
                    _ => {}
                }
                verdict
            }
        };
        self.counters.count(verdict);
        verdict
    }

    fn object(&mut self, now: Time, octets: &[u8]) -> Verdict {
        match self.objects.receive(now.up, octets.get(COMMON..).unwrap_or_default()) {
            Ok(import) => {
                self.imports.extend(import);
                Verdict::Object
            }
            Err(reason) => Verdict::Drop(reason),
        }
    }

    /// Makes a frame of a payload in place, as [`Outbound::protect`] says.
    pub fn send(
        &mut self,
        now: Time,
        group: GroupId,
        sdu: SduType,
        buffer: &mut [u8],
    ) -> Result<Range<usize>, Unsent> {
        let sending = self.sending.iter_mut().find(|sending| sending.group == group);
        let sent = sending
            .ok_or(Unsent::NoSending)
            .and_then(|sending| sending.outbound.protect(now, sdu, buffer));
        let counter = match sent {
            Ok(_) => &mut self.counters.sent,
            Err(_) => &mut self.counters.unsent,
        };
        *counter = counter.saturating_add(1);
        sent
    }

    /// A new epoch in this group as soon as one is there; `false` if it is not known.
    pub fn refresh(&mut self, group: GroupId) -> bool {
        let sending = self.sending.iter_mut().find(|sending| sending.group == group);
        sending.map(|sending| sending.outbound.refresh()).is_some()
    }

    /// What is to be done now, one thing after the other until there is nothing.
    pub fn poll(&mut self, now: Time) -> Option<Action> {
        if let Some(call) = self.receiver.call(now) {
            return Some(Action::Receive(call));
        }
        if let Some(octets) = self.receiver.save() {
            return Some(Action::Save(octets));
        }
        if let Some(octets) = self.objects.save(now.up) {
            return Some(Action::Keep(octets));
        }
        for sending in &mut self.sending {
            let mut groups = self.receiver.groups().iter();
            let group = groups.find(|group| group.id == sending.group);
            let aim = group.and_then(|group| group.sending(now.clock, sending.heard));
            sending.outbound.aim(aim);
            if let Some(question) = sending.outbound.question(now) {
                return Some(Action::Send(question));
            }
        }
        if let Some(octets) = self.imports.pop_front() {
            return Some(Action::Import(octets));
        }
        if let Some((group, object)) = self.objects.transmit(now.up) {
            let member = self.receiver.groups().iter().find(|known| known.id == group)?.member;
            self.counters.objects_sent = self.counters.objects_sent.saturating_add(1);
            return Some(Action::Transmit(group, frame::object(group, member, &object)));
        }
        self.receiver.event().map(Action::Report)
    }

    /// The TEE's answer to [`Action::Receive`]; `None` if it gave none. Frames that
    /// waited for it go to `out`.
    pub fn keys(&mut self, now: Time, reply: Option<ReceiveReply>, out: &mut Out<'_>) {
        let Self { receiver, counters, sending, .. } = self;
        receiver.answered(now, reply, &mut released(counters, sending, out));
    }

    /// The high-water file was written, or not. Frames that waited for it go to `out`.
    pub fn saved(&mut self, now: Time, written: bool, out: &mut Out<'_>) {
        let Self { receiver, counters, sending, .. } = self;
        receiver.saved(now, written, &mut released(counters, sending, out));
    }

    /// The TEE's answer to [`Action::Send`]; `None` if it gave no epoch.
    pub fn epoch(&mut self, now: Time, group: GroupId, reply: Option<&SendReply>) {
        let Some(sending) = self.sending.iter_mut().find(|sending| sending.group == group) else {
            return;
        };
        let mut groups = self.receiver.groups().iter();
        let epoch = reply.and_then(|reply| {
            let pgk = groups.find(|known| known.id == group)?.pgk(reply.generation)?;
            let grace = pgk.status.send_grace_s;
            Epoch::new(group, reply, pgk.layout, pgk.admission.as_ref(), grace)
        });
        match (epoch, reply) {
            (Some(epoch), Some(reply)) => {
                self.receiver.own(group, reply.pgk_id.index(), reply.ptk_id, reply.salt);
                sending.outbound.provide(now, epoch);
            }
            _ => sending.outbound.refused(now),
        }
    }

    /// Takes in a notice or a package that was brought here, as from a bundle: what is for
    /// this device is imported, what is for others of the group is kept and sent. What it
    /// is, and whether it is new here.
    pub fn carry(
        &mut self,
        now: Time,
        group: GroupId,
        octets: &[u8],
    ) -> Result<(Kind, bool), NotCarried> {
        let taken = self.objects.carry(now.up, group, octets)?;
        self.imports.extend(taken.import);
        Ok((taken.kind, taken.is_new))
    }

    /// What [`Action::Keep`] wrote in another life. What does not hold any more is left out.
    pub fn restore(&mut self, objects: &[(GroupId, Vec<u8>)]) {
        for (group, octets) in objects {
            let taken = self.objects.keep(*group, octets);
            self.imports.extend(taken.ok().and_then(|taken| taken.import));
        }
    }

    /// The file of what is carried was written, or not: then it comes again.
    pub fn kept(&mut self, now: Time, written: bool) {
        self.objects.saved(now.up, written);
    }

    /// How many packages of others are carried.
    #[must_use]
    pub const fn carried(&self) -> usize {
        self.objects.carried()
    }

    /// When [`Self::poll`] should be called, if nothing else happens.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.receiver.due().into_iter().chain(self.objects.due()).min()
    }

    /// Before a clean end: the high-water file as it should be left. `None` while another
    /// is being written: then [`Self::closed`] gives it.
    pub fn close(&mut self) -> Option<Vec<u8>> {
        self.receiver.settle();
        self.receiver.save()
    }

    /// A write has ended during a clean end. What is to be written after it, if anything.
    pub fn closed(&mut self, written: bool) -> Option<Vec<u8>> {
        self.receiver.written(written);
        self.receiver.save()
    }

    /// What came in and went out.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The receiving side.
    #[must_use]
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The epoch in use in a group: generation, PTK Id and last sequence number.
    #[must_use]
    pub fn in_use(&self, group: GroupId) -> Option<(Generation, proseal_proto::id::PtkId, u32)> {
        self.sending.iter().find(|sending| sending.group == group)?.outbound.in_use()
    }
}

/// Others use this generation.
fn heard(sending: &mut [Sending], delivery: crate::receive::Delivery) {
    if let Some(sending) = sending.iter_mut().find(|sending| sending.group == delivery.group)
        && sending.heard < Some(delivery.generation)
    {
        sending.heard = Some(delivery.generation);
    }
}

/// Counts what has waited, and hands it on.
fn released<'o>(
    counters: &'o mut Counters,
    sending: &'o mut [Sending],
    out: &'o mut Out<'_>,
) -> impl FnMut(Verdict, &mut [u8]) + 'o {
    move |verdict, octets| {
        counters.count(verdict);
        if let Verdict::Deliver(delivery) = verdict {
            heard(sending, delivery);
        }
        out(verdict, octets);
    }
}
