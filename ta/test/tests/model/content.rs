//! A content as it is wanted, and its octets (docs/commands.md, Content):
//! written out here, so that it can also be wrong in every way.

use crate::ask::Start;
use crate::cbor::{array, boolean, bytes, map, text, uint};
use crate::life::Terms;

#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) device: [u8; 16],
    pub(crate) sequence: u64,
    pub(crate) time: u64,
    pub(crate) nonce: Nonce,
    pub(crate) groups: Vec<Wanted>,
    pub(crate) flaw: Flaw,
}

/// Whether a content is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonce {
    Absent,
    /// The one of the last `status`, if there was one in this start.
    Echoed,
    /// The one of an earlier start, or of none.
    Stale,
}

#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) group: u32,
    pub(crate) member: u32,
    pub(crate) next: u64,
    pub(crate) may_send: bool,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) generation: u64,
    pub(crate) pgk_id: u16,
    pub(crate) key: [u8; 32],
    pub(crate) is_root: bool,
    pub(crate) profile: u8,
    pub(crate) suite: u8,
    pub(crate) label: String,
    pub(crate) terms: Terms,
}

/// What is wrong with the octets, or at least unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A key that a later version may have added: to be ignored.
    Extension,
    /// A key below 64 that is not listed.
    UnknownKey,
    NotShortest,
    CutShort,
    Trailing,
    NoTime,
}

impl Content {
    /// The octets, with what is known of the TA's start.
    pub(crate) fn octets(&self, start: &Start) -> Vec<u8> {
        let mut fields = vec![(1, bytes(&self.device)), (2, uint(self.sequence))];
        if self.flaw != Flaw::NoTime {
            fields.push((3, uint(self.time)));
        }
        match self.nonce {
            Nonce::Absent => {}
            Nonce::Echoed => fields.push((4, bytes(&start.nonce.unwrap_or(start.stale)))),
            Nonce::Stale => fields.push((4, bytes(&start.stale))),
        }
        fields.push((5, array(self.groups.iter().map(Wanted::octets))));
        match self.flaw {
            Flaw::Extension => fields.push((64, text("later"))),
            Flaw::UnknownKey => fields.push((63, uint(0))),
            _ => {}
        }
        let mut octets = map(fields);
        match self.flaw {
            Flaw::CutShort => drop(octets.pop()),
            Flaw::Trailing => octets.push(0),
            // The head of the map, of which the count has an octet of its own.
            Flaw::NotShortest => {
                let count = octets[0] & 0x1f;
                octets.splice(..1, [0xb8, count]);
            }
            _ => {}
        }
        octets
    }
}

impl Wanted {
    fn octets(&self) -> Vec<u8> {
        map(vec![
            (1, uint(self.group.into())),
            (2, uint(self.member.into())),
            (3, uint(self.next)),
            (4, boolean(self.may_send)),
            (5, array(self.entries.iter().map(Entry::octets))),
        ])
    }
}

impl Entry {
    fn octets(&self) -> Vec<u8> {
        let terms = &self.terms;
        map(vec![
            (1, uint(self.generation)),
            (2, uint(self.pgk_id.into())),
            (3, bytes(&self.key)),
            (4, boolean(self.is_root)),
            (5, uint(terms.not_before)),
            (6, uint(terms.not_after)),
            (7, uint(self.profile.into())),
            (8, uint(self.suite.into())),
            (9, text(&self.label)),
            (10, uint(terms.epoch_s.into())),
            (11, uint(terms.epoch_packets.into())),
            (12, uint(terms.receive_grace_s.into())),
            (13, uint(terms.send_grace_s.into())),
            (14, uint(terms.max_unsynced_s.into())),
            (15, boolean(terms.accept_rollback)),
        ])
    }
}
