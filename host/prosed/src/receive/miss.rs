//! Frames of epochs whose keys have opened nothing yet, or are not here.

use super::*;

impl Receiver {
    /// `above` is the sender's ceiling in this epoch; `None` if he was never heard.
    pub(super) fn miss(
        &mut self,
        now: Time,
        slot: Slot,
        header: &Header,
        split: usize,
        above: Option<u32>,
        octets: &[u8],
    ) -> Result<Verdict, DropReason> {
        if above.is_some_and(|ceiling| header.sn <= ceiling) {
            return Err(DropReason::BelowCeiling);
        }
        let pgk = held_mut(&mut self.groups, &slot).ok_or(DropReason::UnknownIndex)?;
        if above.is_none() && pgk.senders.len() >= SENDERS {
            return Err(DropReason::TooManySenders);
        }
        let salt = match (pgk.layout.salted, header.extension) {
            (false, _) => EpochSalt::NONE,
            (true, Some(extension)) => extension.salt,
            (true, None) => match self.pool.opened(&slot) {
                Some(salt) => salt,
                None if self.calls.has_any(&slot) => {
                    return self.wait(slot, None, UNPROVEN, octets);
                }
                None => return Err(DropReason::NotAnnounced),
            },
        };
        if self.prove(now, slot, salt, header, split, octets)? {
            return self.wait(slot, salt_of(header), AUTHENTIC, octets);
        }
        if let Some(extension) = header.extension {
            self.admit(&slot, header, &extension)?;
        }
        if !self.calls.has(&slot, salt) {
            let why = if above.is_some() { Why::Heard } else { Why::Unheard };
            if !self.calls.add(slot, salt, why) {
                return Err(DropReason::TooManyEpochs);
            }
        }
        self.wait(slot, Some(salt), UNPROVEN, octets)
    }

    /// Keeps a frame; it is judged again when something that it may wait for has come.
    pub(super) fn wait(
        &mut self,
        slot: Slot,
        salt: Option<EpochSalt>,
        share: Share,
        octets: &[u8],
    ) -> Result<Verdict, DropReason> {
        if self.queue.push(slot, salt, share, octets) {
            Ok(Verdict::Wait)
        } else {
            Err(DropReason::QueueFull)
        }
    }

    fn admit(&self, slot: &Slot, header: &Header, extension: &Extension) -> Result<(), DropReason> {
        let pgk = held(&self.groups, slot).ok_or(DropReason::UnknownIndex)?;
        let admission = pgk.admission.as_ref().ok_or(DropReason::Admission)?;
        let announced = Announced {
            group: header.group,
            sender: header.sender,
            index: header.index,
            ptk_id: header.ptk_id,
            salt: extension.salt,
        };
        if admission.admits(&announced, &extension.tag) {
            Ok(())
        } else {
            Err(DropReason::Admission)
        }
    }

    /// Tries keys that are here and have opened nothing yet. If they open the frame,
    /// its epoch is the sender's present one from now on. `false` if there are none.
    fn prove(
        &mut self,
        now: Time,
        slot: Slot,
        salt: EpochSalt,
        header: &Header,
        split: usize,
        octets: &[u8],
    ) -> Result<bool, DropReason> {
        let pgk = held(&self.groups, &slot).ok_or(DropReason::UnknownIndex)?;
        let ahead = pgk.senders.get(&slot.sender).and_then(|sender| sender.ahead.as_ref());
        let ahead = ahead.filter(|ahead| ahead.slot == slot && ahead.salt == salt);
        let Some(unproven) = ahead.or_else(|| self.pool.get(&slot, salt)) else {
            return Ok(false);
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(octets);
        let packet = PacketId { salt, ptk_id: slot.ptk_id, sn: header.sn };
        if let Err(reason) = open(&unproven.keys, packet, &mut self.scratch, split) {
            self.events.not_authentic(now.up, slot.group, slot.sender);
            return Err(reason);
        }
        // An epoch moves up when the file has the last one: of its frames some may wait, and
        // only two epochs are held.
        let current = pgk.senders.get(&slot.sender).and_then(|sender| sender.current.as_ref());
        if current.is_some_and(|current| current.ceiling.is_pending(&self.ledger)) {
            self.pool.note(&slot, salt);
        } else {
            self.promote(now, slot, salt, header.sn);
        }
        Ok(true)
    }

    fn promote(&mut self, now: Time, slot: Slot, salt: EpochSalt, sn: u32) {
        self.make_room();
        let Some(pgk) = held_mut(&mut self.groups, &slot) else { return };
        let salted = pgk.layout.salted;
        let ahead = pgk.senders.get_mut(&slot.sender).and_then(|sender| sender.ahead.take());
        let ahead = ahead.filter(|ahead| ahead.slot == slot && ahead.salt == salt);
        let Some(unproven) = ahead.or_else(|| self.pool.take(&slot, salt)) else { return };
        let mark = Mark { ptk_id: slot.ptk_id, salt, ceiling: 0 };
        let sender = pgk.senders.entry(slot.sender).or_insert_with(|| Sender::restarted(mark));
        let before = sender.live();
        // Of an epoch that was here before a restart all up to the ceiling is gone.
        let floor = if sender.mark.ptk_id == slot.ptk_id { sender.mark.ceiling } else { 0 };
        let mut ceiling = Ceiling::at(floor);
        let raised = ceiling.raise(sn, now.up, &mut self.ledger);
        sender.mark = Mark { ceiling: raised, ..mark };
        if let Some(mut last) = sender.current.take() {
            last.ceiling.lift(&mut self.ledger);
            sender.previous = Some(last);
        }
        let (ptk_id, keys, window) = (slot.ptk_id, unproven.keys, Window::above(floor));
        let mut live = Live { ptk_id, salt, keys, window, ceiling, waiting: None };
        // The first of this epoch: nothing else waits yet.
        let _ = live.note(sn);
        sender.current = Some(live);
        sender.used = now.up;
        self.live = self.live.saturating_add(sender.live()).saturating_sub(before);
        if !salted && let Some(ptk_id) = successor(slot.ptk_id) {
            let next = Slot { ptk_id, ..slot };
            let none = EpochSalt::NONE;
            if self.pool.get(&next, none).is_none() && !self.calls.has(&next, none) {
                self.calls.add(next, none, Why::Ahead);
            }
        }
    }

    /// Evicts the sender who was not heard for longest, if there are too many epochs.
    fn make_room(&mut self) {
        if self.live < LIVE {
            return;
        }
        let all = self.groups.iter_mut().flat_map(|group| &mut group.pgks);
        let all = all.flat_map(|pgk| pgk.senders.values_mut());
        if let Some(oldest) =
            all.filter(|sender| sender.live() > 0).min_by_key(|sender| sender.used)
        {
            self.live = self.live.saturating_sub(oldest.live());
            oldest.evict();
        }
    }

    /// A frame from this device's own member id: its own that came back, or another UE
    /// that uses the same id.
    pub(super) fn look_at_own(&mut self, now: Time, header: &Header) {
        let Some(extension) = header.extension else { return };
        let of_it = |own: &&Own| own.group == header.group && own.index == header.index;
        let own = || self.own.iter().filter(of_it);
        let is_own = own().any(|own| own.ptk_id == header.ptk_id && own.salt == extension.salt);
        // One before the first that is known may be this device's own, from before a restart.
        let is_older = own().map(|own| own.ptk_id).min().is_none_or(|min| header.ptk_id < min);
        if is_own || is_older {
            return;
        }
        self.look_at_twin(now, header);
    }

    /// Reports two UEs with one member id, if the group's admission tag vouches for the
    /// second.
    pub(super) fn look_at_twin(&mut self, now: Time, header: &Header) {
        let Some(extension) = header.extension else { return };
        let is_held = |pgk: &&Pgk| pgk.status.pgk_id.index() == header.index;
        let group = self.groups.iter().find(|group| group.id == header.group);
        let Some(pgk) = group.and_then(|group| group.pgks.iter().find(is_held)) else { return };
        let (group, generation) = (header.group, pgk.status.generation);
        let slot = Slot { group, generation, sender: header.sender, ptk_id: header.ptk_id };
        if self.events.may_look(now.up) && self.admit(&slot, header, &extension).is_ok() {
            self.events.report(now.up, Event::MemberTwice { group, member: header.sender });
        }
    }
}

/// The salt by which a frame waits.
fn salt_of(header: &Header) -> Option<EpochSalt> {
    header.extension.map(|extension| extension.salt)
}

pub(super) fn held<'g>(groups: &'g [Group], slot: &Slot) -> Option<&'g Pgk> {
    groups.iter().find(|group| group.id == slot.group)?.pgk(slot.generation)
}

pub(super) fn held_mut<'g>(groups: &'g mut [Group], slot: &Slot) -> Option<&'g mut Pgk> {
    groups.iter_mut().find(|group| group.id == slot.group)?.pgk_mut(slot.generation)
}
