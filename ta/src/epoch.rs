//! PTK Ids: a counter a PGK, from blocks reserved ahead, so that a derive
//! writes nothing and no id is given out twice across crashes and restarts.

use alloc::vec::Vec;

use proseal_proto::error::Code;
use proseal_proto::id::{Generation, GroupId, PtkId};

/// PTK Ids reserved with one write of the state. A write costs tens of empty
/// calls, a restart at most this many of 65,535 ids.
pub const BLOCK: u16 = 64;

/// What has been given out since the TA started. A PGK that is not listed
/// has used all that was reserved for it: an earlier start may have.
pub struct Issued(Vec<(GroupId, Generation, u16)>);

impl Issued {
    /// Nothing since the start.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Highest PTK Id given out, where `reserved` stands in the state.
    #[must_use]
    pub fn last(&self, group: GroupId, generation: Generation, reserved: u16) -> u16 {
        self.find(group, generation).map_or(reserved, |&(_, _, last)| last)
    }

    /// New epochs that are left.
    #[must_use]
    pub fn left(&self, group: GroupId, generation: Generation, reserved: u16) -> u16 {
        u16::MAX.saturating_sub(self.last(group, generation, reserved))
    }

    /// The next PTK Id, and where `reserved` must stand, persisted, before
    /// it is given out.
    pub fn next(
        &self,
        group: GroupId,
        generation: Generation,
        reserved: u16,
    ) -> Result<(PtkId, u16), Code> {
        let id = self
            .last(group, generation, reserved)
            .checked_add(1)
            .and_then(|id| PtkId::new(id).ok())
            .ok_or(Code::EpochsExhausted)?;
        let reserved = if id.get() > reserved { reserved.saturating_add(BLOCK) } else { reserved };
        Ok((id, reserved))
    }

    /// Notes that `id` is given out, once its reservation is persisted.
    pub fn note(&mut self, group: GroupId, generation: Generation, id: PtkId) {
        match self.0.iter_mut().find(|(g, n, _)| (*g, *n) == (group, generation)) {
            Some((_, _, last)) => *last = id.get(),
            None => self.0.push((group, generation, id.get())),
        }
    }

    /// Forgets PGKs that are not held any more; they never come back.
    pub fn retain(&mut self, mut held: impl FnMut(GroupId, Generation) -> bool) {
        self.0.retain(|&(group, generation, _)| held(group, generation));
    }

    fn find(&self, group: GroupId, generation: Generation) -> Option<&(GroupId, Generation, u16)> {
        self.0.iter().find(|(g, n, _)| (*g, *n) == (group, generation))
    }
}

impl Default for Issued {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId::from_octets([0, 0, 1]);
    const PGK: Generation = Generation::FIRST;

    #[test]
    fn a_block_is_reserved_before_its_first_id() {
        let mut issued = Issued::new();
        let (id, reserved) = issued.next(GROUP, PGK, 0).unwrap();
        assert_eq!((id.get(), reserved), (1, BLOCK));
        issued.note(GROUP, PGK, id);
        let (id, reserved) = issued.next(GROUP, PGK, reserved).unwrap();
        assert_eq!((id.get(), reserved), (2, BLOCK), "the second needs no write");
    }

    #[test]
    fn after_a_restart_the_reserved_ids_are_used() {
        let issued = Issued::new();
        let (id, reserved) = issued.next(GROUP, PGK, BLOCK).unwrap();
        assert_eq!((id.get(), reserved), (BLOCK + 1, 2 * BLOCK));
    }

    #[test]
    fn the_last_id_is_65535_and_then_there_is_none() {
        let mut issued = Issued::new();
        let (id, reserved) = issued.next(GROUP, PGK, u16::MAX - 1).unwrap();
        assert_eq!((id.get(), reserved), (u16::MAX, u16::MAX));
        issued.note(GROUP, PGK, id);
        assert_eq!(issued.next(GROUP, PGK, u16::MAX), Err(Code::EpochsExhausted));
        assert_eq!(issued.left(GROUP, PGK, u16::MAX), 0);
    }
}
