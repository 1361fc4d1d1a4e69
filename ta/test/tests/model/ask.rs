//! What can be asked, of whom, and what an answer says.

use proseal_proto::error::Code;
use proseal_proto::message::{EventsReply, Outcome, StatusReply};
use proseal_proto::role::Role;

use crate::content::Content;
use crate::derive::{Epoch, Keys};
use crate::life::Pgk;

/// A request of the right shape.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Version,
    Status,
    Send { group: u32, generation: u64 },
    Receive(Vec<Heard>),
    Admission { group: u32, generation: u64 },
    Suspend { group: u32, on: bool },
    Revoke { group: u32, below: u64 },
    Events { since: u32 },
    Erase { device: [u8; 16] },
    Install { whole: bool, content: Content },
    SetFloor { floor: u64 },
    Echo,
}

/// An epoch of another sender, as its frames announce it: octets, so a field can
/// be out of its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) group: u32,
    pub(crate) generation: u64,
    pub(crate) epoch: Epoch,
}

/// What is right to answer.
#[derive(Debug)]
pub(crate) enum Expected {
    /// The power went: nobody hears an answer.
    Nothing,
    /// By any of these.
    Refused(Vec<Code>),
    /// With this level of protection from rollback.
    Version(u16),
    /// With any start nonce and count of refusals: those are the caller's to judge.
    Status(StatusReply),
    Sent(Box<Sent>),
    Received(Vec<Result<Keys, Code>>),
    Admission([u8; 16]),
    Events(EventsReply),
    Outcome(Outcome),
    Done,
    Echo,
}

/// An epoch, but for its salt, which is random where there is one.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) member: u32,
    pub(crate) ptk_id: u16,
    pub(crate) pgk: Pgk,
}

/// What the caller knows of this start of the TA.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    pub(crate) nonce: Option<[u8; 32]>,
    /// The nonce of an earlier start.
    pub(crate) stale: [u8; 32],
    pub(crate) refusals: u32,
}

impl Start {
    /// What is known when the next start begins.
    pub(crate) fn ended(self) -> Self {
        Self { nonce: None, stale: self.nonce.unwrap_or(self.stale), refusals: 0 }
    }
}

/// Who may call.
pub(crate) fn may(role: Role, ask: &Ask) -> bool {
    match ask {
        Ask::Version => true,
        Ask::Status | Ask::Echo => role != Role::Public,
        Ask::Send { .. } | Ask::Receive(_) | Ask::Admission { .. } => role == Role::Daemon,
        Ask::Suspend { on, .. } => role == Role::Administrator || (role == Role::Daemon && *on),
        Ask::Revoke { .. }
        | Ask::Events { .. }
        | Ask::Erase { .. }
        | Ask::Install { .. }
        | Ask::SetFloor { .. } => role == Role::Administrator,
    }
}

/// Whether the command, whatever its body says, is one for the role.
pub(crate) fn may_call(role: Role, ask: &Ask) -> bool {
    match ask {
        Ask::Suspend { .. } => role != Role::Public,
        _ => may(role, ask),
    }
}
