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
