//! What a receiver wants from outside, and what it does with the answers.

use super::miss::held_mut;
use super::*;
use crate::frame::Frame;
use crate::queue::Waiting;

/// What is done with a frame that has waited: delivered or dropped.
pub type Out<'o> = dyn FnMut(Verdict, &mut [u8]) + 'o;

impl Receiver {
    /// The `receive` that the TEE should be asked now. Its answer comes by
    /// [`Self::answered`] before there is another.
    pub fn call(&mut self, now: Time) -> Option<Receive> {
        self.calls.begin(now.up)
    }

    /// The TEE's answer; `None` if it gave none. Frames that waited for it go to `out`.
    pub fn answered(&mut self, now: Time, reply: Option<ReceiveReply>, out: &mut Out<'_>) {
        let asks = self.calls.end();
        let mut items = reply.map(|reply| reply.items).unwrap_or_default().into_iter();
        let mut failed = Vec::new();
        for ask in &asks {
            let reason = match items.next() {
                Some(Ok(pair)) if self.keep(ask, &pair) => continue,
                Some(Ok(_)) => DropReason::Refused,
                Some(Err(code)) => {
                    self.refused(now, ask, code);
                    DropReason::Refused
                }
                None => DropReason::TeeFailed,
            };
            failed.push((ask.slot, ask.salt, reason));
        }
        // In the order in which they came: epochs follow one another. Those that announce no
        // salt have keys now, or nobody who waits for them.
        let answered = |waiting: &Waiting| {
            let is_it = |ask: &Ask| {
                ask.slot == waiting.slot && waiting.salt.is_none_or(|salt| salt == ask.salt)
            };
            asks.iter().any(is_it)
        };
        for mut frame in self.queue.take(answered) {
            let mut all = failed.iter();
            let failed =
                all.find(|(slot, salt, _)| *slot == frame.slot && frame.salt == Some(*salt));
            match failed {
                Some((.., reason)) => out(Verdict::Drop(*reason), &mut frame.octets),
                None => self.again(now, &mut frame.octets, out),
            }
        }
    }

    fn refused(&mut self, now: Time, ask: &Ask, code: Code) {
        if ask.why != Why::Ahead {
            let (group, sender) = (ask.slot.group, ask.slot.sender);
            self.events.report(now.up, Event::KeysRefused { group, sender, code });
        }
    }

    /// Makes keys ready; they have opened nothing yet. `false` where they are of no use.
    fn keep(&mut self, ask: &Ask, pair: &proseal_proto::key::KeyPair) -> bool {
        let &Ask { slot, salt, why } = ask;
        let Some(pgk) = held_mut(&mut self.groups, &slot) else { return false };
        let Some(keys) = Keys::new(pgk.status.suite, pair) else { return false };
        let unproven = Unproven { slot, salt, keys, opened: false };
        match pgk.senders.get_mut(&slot.sender) {
            Some(sender) if why == Why::Ahead => sender.ahead = Some(unproven),
            _ => self.pool.insert(unproven),
        }
        true
    }

    fn again(&mut self, now: Time, octets: &mut [u8], out: &mut Out<'_>) {
        let verdict = match Frame::read(octets) {
            Ok(Frame::Data(data)) => {
                self.judge(now, data, octets, false).unwrap_or_else(Verdict::Drop)
            }
            Ok(Frame::Object) => Verdict::Drop(DropReason::Version),
            Err(reason) => Verdict::Drop(reason),
        };
        if verdict != Verdict::Wait {
            out(verdict, octets);
        }
    }

    /// The high-water file that should be written now. That it is written is said by
    /// [`Self::saved`] before there is another.
    pub fn save(&mut self) -> Option<Vec<u8>> {
        self.ledger.begin()?;
        let parked = self.parked.iter().map(|(owner, mark)| (*owner, *mark));
        Some(file::encode(marks(&self.groups).chain(parked).collect()))
    }

    /// The file was written, or it failed: then it comes again. Frames that waited for it
    /// go to `out`.
    pub fn saved(&mut self, now: Time, written: bool, out: &mut Out<'_>) {
        self.ledger.end(written);
        if !written {
            self.events.report(now.up, Event::HighWaterNotWritten);
            return;
        }
        self.release(now, out);
    }

    /// The file was written, or it failed; nothing is released.
    pub fn written(&mut self, written: bool) {
        self.ledger.end(written);
    }

    /// Judges again all that does not wait for the TEE.
    pub fn release(&mut self, now: Time, out: &mut Out<'_>) {
        let calls = &self.calls;
        let is_asked_for = |waiting: &Waiting| match waiting.salt {
            Some(salt) => calls.has(&waiting.slot, salt),
            None => calls.has_any(&waiting.slot),
        };
        for mut frame in self.queue.take(|waiting| !is_asked_for(waiting)) {
            self.again(now, &mut frame.octets, out);
        }
    }

    /// Before a clean end: lowers each ceiling to what was accepted, so that after the
    /// start nothing is lost.
    pub fn settle(&mut self) {
        for pgk in self.groups.iter_mut().flat_map(|group| &mut group.pgks) {
            for sender in pgk.senders.values_mut() {
                if let Some(live) = &sender.current {
                    sender.mark.ceiling = live.window.highest();
                }
            }
        }
        self.ledger.change();
    }

    /// What there is to report.
    pub fn event(&mut self) -> Option<Event> {
        self.events.next()
    }

    /// When [`Self::call`] gives something, if nothing else happens.
    #[must_use]
    pub fn due(&self) -> Option<std::time::Duration> {
        self.calls.due()
    }

    /// How many frames wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many times the TEE was asked.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls.made()
    }

    /// The high-water of a sender.
    #[must_use]
    pub fn mark(&self, owner: &Owner) -> Option<Mark> {
        let group = self.groups.iter().find(|group| group.id == owner.group)?;
        group.pgk(owner.generation)?.senders.get(&owner.sender).map(|sender| sender.mark)
    }
}

/// All who were heard.
pub(super) fn senders(groups: &[Group]) -> impl Iterator<Item = (&MemberId, &Sender)> {
    groups.iter().flat_map(|group| &group.pgks).flat_map(|pgk| &pgk.senders)
}

/// The marks of all who were heard.
pub(super) fn marks(groups: &[Group]) -> impl Iterator<Item = (Owner, Mark)> + '_ {
    groups.iter().flat_map(|group| {
        group.pgks.iter().flat_map(move |pgk| {
            let (group, generation) = (group.id, pgk.status.generation);
            let owner = move |sender| Owner { group, generation, sender };
            pgk.senders.iter().map(move |(&sender, heard)| (owner(sender), heard.mark))
        })
    })
}
