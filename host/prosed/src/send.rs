//! Sending in one group. An epoch is always fetched ahead, so that nothing waits for
//! the TEE when one ends.

use std::ops::Range;
use std::time::Duration;

use proseal_proto::id::{Generation, GroupId};
use proseal_proto::message::{Send, SendReply};

use crate::admission::{Admission, Announced};
use crate::epoch::{Counter, Limits};
use crate::frame::{Extension, HEADROOM, Header, Layout, SduType};
use crate::suite::{Keys, PacketId};
use crate::time::Time;

/// After a refusal the TEE is not asked again for that long.
const RETRY: Duration = Duration::from_secs(1);

/// Why a payload was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// This device does not send in the group: it is not in it, it is suspended, its
    /// policy does not let it, or no PGK is there to send with.
    #[error("nothing can be sent in this group: `prosectl status` says why")]
    NoSending,
    /// The TEE has not given an epoch yet.
    #[error("no keys are there yet to send with")]
    NoEpoch,
    /// The payload and its overhead are longer than a frame.
    #[error("the payload is longer than a frame carries")]
    TooLong,
}

/// Keys of a new epoch of this device, ready for use.
pub struct Epoch {
    generation: Generation,
    layout: Layout,
    /// All of it but sequence number and SDU type stays the same.
    header: Header,
    extension: Option<Extension>,
    salt: proseal_proto::id::EpochSalt,
    keys: Keys,
    limits: Limits,
}

impl Epoch {
    /// Makes the TEE's answer ready; `send_grace_s` is the PGK's. `None` if a library
    /// refuses the keys, or the profile's admission key is missing.
    #[must_use]
    pub fn new(
        group: GroupId,
        reply: &SendReply,
        layout: Layout,
        admission: Option<&Admission>,
        send_grace_s: u32,
    ) -> Option<Self> {
        let index = reply.pgk_id.index();
        let (sender, ptk_id, salt) = (reply.member, reply.ptk_id, reply.salt);
        let extension = match (layout.salted, admission) {
            (true, Some(admission)) => {
                let announced = Announced { group, sender, index, ptk_id, salt };
                Some(Extension { salt, tag: admission.tag(&announced) })
            }
            (true, None) => return None,
            (false, _) => None,
        };
        let limits = Limits {
            lasts: Duration::from_secs(reply.epoch_s.into()),
            packets: reply.epoch_packets.min(layout.last_sn()),
            ends: reply.not_after.saturating_add(send_grace_s.into()),
        };
        let sdu = SduType::Ip;
        Some(Self {
            generation: reply.generation,
            layout,
            header: Header { group, sender, sdu, index, ptk_id, sn: 0, extension: None },
            extension,
            salt,
            keys: Keys::new(reply.suite, &reply.keys)?,
            limits,
        })
    }

    /// PTK Id and salt, as frames announce them.
    #[must_use]
    pub const fn id(&self) -> (proseal_proto::id::PtkId, proseal_proto::id::EpochSalt) {
        (self.header.ptk_id, self.salt)
    }

    /// The PGK's generation.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }
}

/// The epoch in use.
struct InUse {
    epoch: Epoch,
    counter: Counter,
}

/// Sending of this device in one group.
pub struct Outbound {
    group: GroupId,
    generation: Option<Generation>,
    in_use: Option<InUse>,
    ahead: Option<Epoch>,
    refresh: bool,
    asked: bool,
    not_before: Duration,
}

impl Outbound {
    /// Nothing is sent until [`Self::aim`] says under which generation.
    #[must_use]
    pub const fn new(group: GroupId) -> Self {
        Self {
            group,
            generation: None,
            in_use: None,
            ahead: None,
            refresh: false,
            asked: false,
            not_before: Duration::ZERO,
        }
    }

    /// Sends under this generation from now on; what is in use, and what was fetched ahead
    /// if that is used up, goes on until the new epoch is there. With `None` all keys are
    /// wiped.
    pub fn aim(&mut self, generation: Option<Generation>) {
        if self.generation == generation {
            return;
        }
        self.generation = generation;
        self.not_before = Duration::ZERO;
        if generation.is_none() {
            (self.in_use, self.ahead) = (None, None);
        }
    }

    /// Wipes the keys of a generation that is not held any more.
    pub fn forget(&mut self, is_held: impl Fn(Generation) -> bool) {
        self.in_use = self.in_use.take().filter(|in_use| is_held(in_use.epoch.generation));
        self.ahead = self.ahead.take().filter(|ahead| is_held(ahead.generation));
    }

    /// A new epoch as soon as one is there.
    pub const fn refresh(&mut self) {
        self.refresh = true;
    }

    /// The generation of the epoch in use, with its PTK Id and last sequence number.
    #[must_use]
    pub fn in_use(&self) -> Option<(Generation, proseal_proto::id::PtkId, u32)> {
        let in_use = self.in_use.as_ref()?;
        Some((in_use.epoch.generation, in_use.epoch.header.ptk_id, in_use.counter.last()))
    }

    /// What the TEE should be asked now. Each question is answered by [`Self::provide`]
    /// or [`Self::refused`] before the next comes.
    pub fn question(&mut self, now: Time) -> Option<Send> {
        let generation = self.generation?;
        let is_there = self.ahead.as_ref().is_some_and(|ahead| ahead.generation == generation);
        if self.asked || is_there || now.up < self.not_before {
            return None;
        }
        self.asked = true;
        Some(Send { group: self.group, generation })
    }

    /// An epoch that the TEE has given, for the next one.
    pub fn provide(&mut self, now: Time, epoch: Epoch) {
        self.asked = false;
        // The TEE's time is a little behind what is reckoned here: an epoch that is over is none, and
        // is not asked for again at once.
        if Counter::new(epoch.limits, now).spent(now).is_some() {
            self.refused(now);
            return;
        }
        // Meanwhile another generation may have become the one to send with.
        if self.generation == Some(epoch.generation) {
            self.ahead = Some(epoch);
            self.turn(now);
        }
    }

    /// The TEE gave none.
    pub const fn refused(&mut self, now: Time) {
        self.asked = false;
        self.not_before = now.up.saturating_add(RETRY);
    }

    /// Goes over to the next epoch if it is time and one is there.
    fn turn(&mut self, now: Time) {
        let Some(ahead) = &self.ahead else { return };
        let over = self.in_use.as_ref().is_none_or(|in_use| {
            let is_wanted = self.generation == Some(ahead.generation)
                && in_use.epoch.generation != ahead.generation;
            self.refresh || is_wanted || in_use.counter.spent(now).is_some()
        });
        if over && let Some(epoch) = self.ahead.take() {
            let counter = Counter::new(epoch.limits, now);
            self.in_use = Some(InUse { epoch, counter });
            self.refresh = false;
        }
    }

    /// Makes a frame of a payload, in place. `buffer` is [`HEADROOM`] octets, the
    /// payload, and [`crate::frame::TAILROOM`] octets; the range is that of the frame.
    pub fn protect(
        &mut self,
        now: Time,
        sdu: SduType,
        buffer: &mut [u8],
    ) -> Result<Range<usize>, Unsent> {
        if self.generation.is_none() {
            return Err(Unsent::NoSending);
        }
        self.turn(now);
        let InUse { epoch, counter } = self.in_use.as_mut().ok_or(Unsent::NoEpoch)?;
        let payload_end = buffer.len().checked_sub(crate::frame::TAILROOM);
        let end = payload_end.and_then(|end| end.checked_add(epoch.layout.tail()));
        let end = end.filter(|&end| end <= crate::frame::DATA_MAX).ok_or(Unsent::TooLong)?;
        let next = counter.next(now).map_err(|_| Unsent::NoEpoch)?;
        let extension = if next.announce { epoch.extension } else { None };
        let header = Header { sdu, sn: next.sn, extension, ..epoch.header };
        let start = HEADROOM.saturating_sub(header.len(epoch.layout));
        let frame = buffer.get_mut(start..end).ok_or(Unsent::TooLong)?;
        header.write(epoch.layout, frame);
        let (head, body) =
            frame.split_at_mut_checked(header.len(epoch.layout)).ok_or(Unsent::TooLong)?;
        let packet = PacketId { salt: epoch.salt, ptk_id: header.ptk_id, sn: next.sn };
        epoch.keys.protect(packet, head, body);
        Ok(start..end)
    }
}

#[cfg(test)]
mod tests {
    use proseal_proto::id::{EpochSalt, MemberId, PgkId, PtkId};
    use proseal_proto::key::KeyPair;
    use proseal_proto::profile::{Profile, Suite};

    use super::*;

    const ENDS: u64 = 1_000;

    fn epoch(generation: Generation) -> Epoch {
        let reply = SendReply {
            generation,
            pgk_id: PgkId(1),
            member: MemberId::new(1).unwrap(),
            ptk_id: PtkId::new(1).unwrap(),
            salt: EpochSalt([0; 8]),
            suite: Suite::ThreeGpp,
            not_after: ENDS,
            epoch_s: 60,
            epoch_packets: 100,
            keys: KeyPair::zero(),
        };
        let layout = Layout::new(Profile::Ts33303, Suite::ThreeGpp);
        Epoch::new(GroupId::new(1).unwrap(), &reply, layout, None, 0).unwrap()
    }

    fn at(ms: u64, floor: u64) -> Time {
        Time { up: Duration::from_millis(ms), clock: u64::MAX, floor }
    }

    /// How often the TEE is asked within a second in which a payload is tried each 10 ms, and how many were sent.
    fn asked(floor: u64) -> (usize, usize) {
        let generation = Generation::new(7).unwrap();
        let mut outbound = Outbound::new(GroupId::new(1).unwrap());
        outbound.aim(Some(generation));
        let (mut asked, mut sent) = (0, 0);
        for ms in (0..1_000).step_by(10) {
            let now = at(ms, floor);
            while outbound.question(now).is_some() {
                asked += 1;
                outbound.provide(now, epoch(generation));
            }
            let mut buffer = [0; HEADROOM + 20 + crate::frame::TAILROOM];
            sent += usize::from(outbound.protect(now, SduType::Ip, &mut buffer).is_ok());
        }
        (asked, sent)
    }

    #[test]
    fn what_was_fetched_ahead_is_there_until_the_next_generation_is() {
        let [old, new] = [7, 8].map(|number| Generation::new(number).unwrap());
        let now = at(0, ENDS - 1);
        let mut outbound = Outbound::new(GroupId::new(1).unwrap());
        outbound.aim(Some(old));
        for _ in 0..2 {
            assert!(outbound.question(now).is_some());
            outbound.provide(now, epoch(old));
        }
        outbound.aim(Some(new));
        assert_eq!(outbound.question(now).map(|asked| asked.generation), Some(new));
        let send = |outbound: &mut Outbound| {
            let mut buffer = [0; HEADROOM + 20 + crate::frame::TAILROOM];
            outbound.protect(now, SduType::Ip, &mut buffer).map(drop)
        };
        for _ in 0..200 {
            assert_eq!(send(&mut outbound), Ok(()));
            assert_eq!(outbound.in_use().map(|(generation, ..)| generation), Some(old));
        }
        assert_eq!(send(&mut outbound), Err(Unsent::NoEpoch));
        outbound.provide(now, epoch(new));
        assert_eq!(send(&mut outbound), Ok(()));
        assert_eq!(outbound.in_use().map(|(generation, ..)| generation), Some(new));
    }

    #[test]
    fn a_local_clock_that_is_ahead_ends_no_epoch() {
        // One in use, one ahead.
        assert_eq!(asked(ENDS - 1), (2, 100));
    }

    #[test]
    fn for_a_key_that_is_over_the_tee_is_asked_once_a_second() {
        assert_eq!(asked(ENDS), (1, 0));
    }
}
