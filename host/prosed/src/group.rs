//! The groups of this device, as the trusted application's `status` says, and what
//! follows from it: which PGK an index names, and which generation to send with.

use proseal_proto::id::{Generation, GroupId, MemberId};
use proseal_proto::key::AdmissionKey;
use proseal_proto::message::{GroupStatus, PgkState, PgkStatus};

use crate::admission::Admission;
use crate::frame::Layout;
use crate::keys::Senders;

/// A PGK that is received with.
pub struct Pgk {
    /// What the trusted application says of it.
    pub status: PgkStatus,
    /// How frames under it are laid out.
    pub layout: Layout,
    /// Its admission key; profiles without epoch salts have none.
    pub admission: Option<Admission>,
    /// Who was heard under it.
    pub(crate) senders: Senders,
}

/// A group of this device.
pub struct Group {
    /// The group.
    pub id: GroupId,
    /// This device in it.
    pub member: MemberId,
    /// The lowest generation that may still come in.
    pub next: u64,
    /// Whether deriving is suspended.
    pub suspended: bool,
    /// Whether this device may send.
    pub may_send: bool,
    /// Its PGKs, of which no two have the same index.
    pub pgks: Vec<Pgk>,
    /// The generations that the device holds, also those that are not received with now.
    pub(crate) held: Vec<Generation>,
}

/// Those PGKs of a group whose admission keys have to be fetched before it can be
/// received in: what a group of [`Group::new`] needs.
pub fn admissions(status: &GroupStatus) -> impl Iterator<Item = Generation> + '_ {
    let salted = status.pgks.iter().filter(|pgk| is_received(pgk) && pgk.profile.has_salt());
    salted.map(|pgk| pgk.generation).filter(|_| !status.suspended)
}

fn is_received(pgk: &PgkStatus) -> bool {
    match pgk.state {
        PgkState::Held | PgkState::ReceiveOnly => true,
        PgkState::Ended => false,
    }
}

impl Group {
    /// A group that nobody was heard in yet. `admission` gives the keys that
    /// [`admissions`] lists; a PGK whose key is missing is left out.
    #[must_use]
    pub fn new(
        status: &GroupStatus,
        mut admission: impl FnMut(Generation) -> Option<AdmissionKey>,
    ) -> Self {
        let mut pgks = Vec::new();
        for &status in status.pgks.iter().filter(|pgk| is_received(pgk) && !status.suspended) {
            let layout = Layout::new(status.profile, status.suite);
            let key = if layout.salted { admission(status.generation) } else { None };
            let admission = key.as_ref().and_then(Admission::new);
            if admission.is_some() == layout.salted {
                pgks.push(Pgk { status, layout, admission, senders: Senders::default() });
            }
        }
        Self {
            id: status.group,
            member: status.member,
            next: status.next,
            suspended: status.suspended,
            may_send: status.may_send,
            pgks,
            held: status.pgks.iter().map(|pgk| pgk.generation).collect(),
        }
    }

    /// Keeps what `old` knows of the PGKs that are still here.
    pub(crate) fn inherit(&mut self, old: &mut Self) {
        for pgk in &mut self.pgks {
            if let Some(before) = old.pgk_mut(pgk.status.generation) {
                pgk.senders = std::mem::take(&mut before.senders);
            }
        }
    }

    /// The PGK of a generation.
    #[must_use]
    pub fn pgk(&self, generation: Generation) -> Option<&Pgk> {
        self.pgks.iter().find(|pgk| pgk.status.generation == generation)
    }

    pub(crate) fn pgk_mut(&mut self, generation: Generation) -> Option<&mut Pgk> {
        self.pgks.iter_mut().find(|pgk| pgk.status.generation == generation)
    }

    /// The generation to send with at `clock`: the newest whose time has come, or that
    /// others were heard to use. Where the time of none has come (a clock that is not
    /// set) it is the oldest, rather than none.
    #[must_use]
    pub fn sending(&self, clock: u64, heard: Option<Generation>) -> Option<Generation> {
        if self.suspended || !self.may_send {
            return None;
        }
        let usable = || {
            let all = self.pgks.iter().map(|pgk| &pgk.status);
            all.filter(|pgk| {
                pgk.state == PgkState::Held && !pgk.rollback_unprotected && pgk.epochs_left > 0
            })
        };
        let come = usable()
            .filter(|pgk| pgk.not_before <= clock || heard >= Some(pgk.generation))
            .map(|pgk| pgk.generation);
        come.max().or_else(|| usable().map(|pgk| pgk.generation).min())
    }
}

#[cfg(test)]
mod tests {
    use proseal_proto::id::PgkId;
    use proseal_proto::profile::{Profile, Suite};

    use super::*;

    fn pgk(number: u64, not_before: u64) -> PgkStatus {
        PgkStatus {
            generation: Generation::new(number).unwrap(),
            pgk_id: PgkId(number as u8),
            profile: Profile::Ts33303,
            suite: Suite::ThreeGpp,
            state: PgkState::Held,
            not_before,
            not_after: u64::MAX,
            receive_grace_s: 0,
            send_grace_s: 0,
            max_unsynced_s: 0,
            rollback_unprotected: false,
            epochs_left: 1,
        }
    }

    fn sending(pgks: Vec<PgkStatus>, clock: u64, heard: Option<u64>) -> Option<u64> {
        let group = GroupStatus {
            group: GroupId::new(1).unwrap(),
            member: MemberId::new(1).unwrap(),
            next: 9,
            suspended: false,
            may_send: true,
            pgks,
        };
        let heard = heard.map(|number| Generation::new(number).unwrap());
        Group::new(&group, |_| None).sending(clock, heard).map(Generation::get)
    }

    #[test]
    fn it_sends_under_the_newest_generation_whose_time_has_come_or_that_is_heard() {
        let all = || vec![pgk(1, 100), pgk(2, 200), pgk(3, 300)];
        assert_eq!(sending(all(), 150, None), Some(1));
        assert_eq!(sending(all(), 200, None), Some(2));
        assert_eq!(sending(all(), 150, Some(3)), Some(3));
        assert_eq!(sending(all(), 250, Some(1)), Some(2));
        // A clock that was never set.
        assert_eq!(sending(all(), 0, None), Some(1));
        assert_eq!(sending(Vec::new(), 150, None), None);
    }

    #[test]
    fn it_does_not_send_under_what_the_trusted_application_would_refuse() {
        let used_up = PgkStatus { epochs_left: 0, ..pgk(2, 0) };
        let receive_only = PgkStatus { state: PgkState::ReceiveOnly, ..pgk(3, 0) };
        let ended = PgkStatus { state: PgkState::Ended, ..pgk(4, 0) };
        let rollback = PgkStatus { rollback_unprotected: true, ..pgk(5, 0) };
        let all = vec![pgk(1, 0), used_up, receive_only, ended, rollback];
        assert_eq!(sending(all.clone(), 1, Some(5)), Some(1));
        assert_eq!(sending(all[1..].to_vec(), 1, None), None);
    }
}
