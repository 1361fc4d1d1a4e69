//! Receiving. What is cheap comes first, and nothing changes before a frame is found
//! authentic:
//!
//! 1. length, version and kind; group; index; the rest of the header
//! 2. high-water: an epoch below it, or the present one with another salt
//! 3. key cache. Only a miss goes on to admission tag, room in the next call (its
//!    bucket) and the TEE; meanwhile the frame waits
//! 4. window; open; then window, ceiling and high-water change
//!
//! A frame that waited is judged again as if it came then: nothing that it was judged
//! by before is kept.

use std::collections::{HashMap, VecDeque};

use proseal_proto::error::Code;
use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};
use proseal_proto::message::{Receive, ReceiveReply};

use crate::admission::Announced;
use crate::calls::{Ask, Calls, Why, successor};
use crate::drops::DropReason;
use crate::event::{Event, Events};
use crate::frame::{Data, Extension, Header, SduType};
use crate::group::{Group, Pgk};
use crate::highwater::file::{self, Owner};
use crate::highwater::{Ceiling, Ledger, Mark, SENDERS};
use crate::keys::{Live, Place, Pool, Sender, Slot, Unproven};
use crate::queue::{AUTHENTIC, Queue, Share, UNPROVEN};
use crate::suite::{Keys, PacketId};
use crate::time::Time;
use crate::window::Window;
use miss::held;
use turn::senders;

mod miss;
mod turn;

pub use turn::Out;

/// Epochs whose keys are held, of all groups. Beyond that the sender who was not heard
/// for longest makes room; of him only frames above the ceiling are taken then.
pub const LIVE: usize = 4096;

/// What a frame brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The group.
    pub group: GroupId,
    /// Under which generation it was sent.
    pub generation: Generation,
    /// Who sent it, as far as group keys can tell.
    pub sender: MemberId,
    /// What the payload is.
    pub sdu: SduType,
    /// Where the payload begins in the frame.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was opened in place.
    Deliver(Delivery),
    /// A copy waits for keys, or for the high-water file.
    Wait,
    /// It is a signed object, and was taken in.
    Object,
    /// It is dropped.
    Drop(DropReason),
}

/// An epoch of this device, so that its own frames are known when they come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own {
    group: GroupId,
    index: u8,
    ptk_id: PtkId,
    salt: EpochSalt,
}

/// How many of its epochs are known, of all groups.
const OWN: usize = 64;

/// Receiving in all groups.
#[derive(Default)]
pub struct Receiver {
    groups: Vec<Group>,
    pool: Pool,
    calls: Calls,
    queue: Queue,
    ledger: Ledger,
    /// The marks of PGKs that are held and not received with.
    parked: HashMap<Owner, Mark>,
    live: usize,
    own: VecDeque<Own>,
    scratch: Vec<u8>,
    events: Events,
}

impl Receiver {
    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Goes over to what the device holds now. Senders of PGKs that stay are kept; those of
    /// a new PGK begin with what `marks` says, which come from the file. All other keys are
    /// wiped; the marks of PGKs that are only not received with (a suspension) are kept.
    pub fn configure(&mut self, mut groups: Vec<Group>, marks: &[(Owner, Mark)]) {
        for group in &mut groups {
            if let Some(old) = self.groups.iter_mut().find(|old| old.id == group.id) {
                group.inherit(old);
            }
        }
        // What was not inherited goes.
        let gone = turn::marks(&self.groups);
        self.parked.extend(gone);
        for (owner, mark) in marks {
            self.parked.entry(*owner).or_insert(*mark);
        }
        self.groups = groups;
        for group in &mut self.groups {
            let of_group: Vec<_> =
                self.parked.extract_if(|owner, _| owner.group == group.id).collect();
            for (owner, mark) in of_group {
                if let Some(pgk) = group.pgk_mut(owner.generation) {
                    if pgk.senders.len() < SENDERS {
                        pgk.senders.entry(owner.sender).or_insert_with(|| Sender::restarted(mark));
                    }
                } else if group.held.contains(&owner.generation) {
                    self.parked.insert(owner, mark);
                }
            }
        }
        let groups = &self.groups;
        self.parked.retain(|owner, _| groups.iter().any(|group| group.id == owner.group));
        self.pool.retain(|slot| held(groups, slot).is_some());
        self.own.retain(|own| groups.iter().any(|group| group.id == own.group));
        self.live = senders(&self.groups).map(|(_, sender)| sender.live()).sum();
    }

    /// Tells of an epoch that this device sends with.
    pub fn own(&mut self, group: GroupId, index: u8, ptk_id: PtkId, salt: EpochSalt) {
        if self.own.len() >= OWN {
            self.own.pop_front();
        }
        self.own.push_back(Own { group, index, ptk_id, salt });
    }

    /// Judges a frame that begins as `data` says. What is delivered was opened in place;
    /// the octets of others mean nothing afterwards.
    pub fn receive(&mut self, now: Time, data: Data, octets: &mut [u8]) -> Verdict {
        self.judge(now, data, octets, true).unwrap_or_else(Verdict::Drop)
    }

    /// `first` unless the frame has waited.
    fn judge(
        &mut self,
        now: Time,
        data: Data,
        octets: &mut [u8],
        first: bool,
    ) -> Result<Verdict, DropReason> {
        let group = self.groups.iter_mut().find(|group| group.id == data.group);
        let group = group.ok_or(DropReason::UnknownGroup)?;
        if group.suspended {
            return Err(DropReason::Suspended);
        }
        let mut pgks = group.pgks.iter_mut();
        let pgk = pgks.find(|pgk| pgk.status.pgk_id.index() == data.index);
        let pgk = pgk.ok_or(DropReason::UnknownIndex)?;
        let header = data.header(octets, pgk.layout)?;
        if header.sender == group.member {
            self.look_at_own(now, &header);
            return Err(DropReason::OwnMember);
        }
        let salt = header.extension.map(|extension| extension.salt);
        let (generation, split) = (pgk.status.generation, header.len(pgk.layout));
        let tail = pgk.layout.tail();
        let slot =
            Slot { group: data.group, generation, sender: data.sender, ptk_id: header.ptk_id };
        let Some(sender) = pgk.senders.get_mut(&header.sender) else {
            return self.miss(now, slot, &header, split, None, octets);
        };
        let is_current = header.ptk_id == sender.mark.ptk_id;
        let live = match sender.place(header.ptk_id, salt) {
            Ok(Place::Live(live)) => live,
            Ok(Place::Above(ceiling)) => {
                return self.miss(now, slot, &header, split, Some(ceiling), octets);
            }
            Ok(Place::New) => return self.miss(now, slot, &header, split, Some(0), octets),
            Err(reason) => {
                if reason == DropReason::OtherSalt {
                    self.look_at_twin(now, &header);
                }
                return Err(reason);
            }
        };
        live.window.check(header.sn)?;
        let packet = PacketId { salt: live.salt, ptk_id: live.ptk_id, sn: header.sn };
        if !live.ceiling.allows(header.sn, &self.ledger) {
            self.scratch.clear();
            self.scratch.extend_from_slice(octets);
            open(&live.keys, packet, &mut self.scratch, split).inspect_err(|_| {
                self.events.not_authentic(now.up, data.group, data.sender);
            })?;
            if first {
                live.note(header.sn)?;
            }
            if is_current {
                sender.mark.ceiling = live.ceiling.raise(header.sn, now.up, &mut self.ledger);
            }
            return self.wait(slot, salt, AUTHENTIC, octets);
        }
        if first {
            // What has waited was judged before this one came.
            live.waiting = None;
        }
        open(&live.keys, packet, octets, split).inspect_err(|_| {
            self.events.not_authentic(now.up, data.group, data.sender);
        })?;
        live.window.accept(header.sn)?;
        if is_current && live.ceiling.is_near(header.sn) {
            sender.mark.ceiling = live.ceiling.raise(header.sn, now.up, &mut self.ledger);
        }
        sender.used = now.up;
        Ok(Verdict::Deliver(Delivery {
            group: data.group,
            generation,
            sender: data.sender,
            sdu: header.sdu,
            start: split,
            end: octets.len().saturating_sub(tail),
        }))
    }
}

/// Opens a frame in place.
fn open(keys: &Keys, packet: PacketId, octets: &mut [u8], split: usize) -> Result<(), DropReason> {
    let (header, body) = octets.split_at_mut_checked(split).ok_or(DropReason::Length)?;
    keys.unprotect(packet, header, body).map_err(|_| DropReason::NotAuthentic)
}
