//! What can happen to a device.

use proseal_proto::error::Code;
use proseal_proto::role::Role;
use proseal_ta::sim::Fault;

use crate::ask::{Ask, may_call};
use crate::device::Request;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask {
        role: Role,
        ask: Ask,
    },
    /// The same, with an octet too little room for the response.
    ShortRoom {
        role: Role,
        ask: Ask,
    },
    /// The same, with a request that is none.
    Bad {
        role: Role,
        ask: Ask,
        how: Bad,
    },
    /// The machine's storage is so well protected from rollback. It is for good:
    /// this stands at the beginning.
    Protection {
        level: u16,
    },
    /// Powered time.
    Pass {
        ms: u64,
    },
    /// The TA ends, in whatever state, and starts at this uptime.
    Restart {
        uptime_ms: u64,
    },
    /// The store fails, once so many writes have gone well.
    Fault {
        fault: Fault,
        spared: u32,
    },
    Random {
        fails: bool,
    },
    /// The power goes after so many writes, and comes back.
    Power {
        writes: u32,
        uptime_ms: u64,
    },
    /// All is well again.
    Calm,
    /// A later TA has written the state, until all is well again: this octet
    /// of its record says so (docs/storage.md). This TA starts.
    LaterTa {
        octet: usize,
    },
    /// PTK Ids go: so many restarts, with an epoch after each.
    Burn {
        group: u32,
        generation: u64,
        starts: u32,
    },
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    Oversized,
    Version,
    Number(u32),
    /// It ends after its version, or within it if there is nothing after.
    Short,
    Long,
    /// The first field that has a range is outside it.
    Range,
}

impl Bad {
    /// Makes `request`, which is `ask`, wrong.
    pub(crate) fn spoil(self, ask: &Ask, request: &mut Request) {
        let octets = &mut request.octets;
        match self {
            Self::Oversized => octets.resize(16 * 1024 + 1, 0),
            Self::Version => octets[1] = 2,
            Self::Number(number) => request.number = number,
            Self::Short => octets.truncate(if octets.len() > 2 { 2 } else { 1 }),
            Self::Long => octets.push(0),
            Self::Range => match ask {
                Ask::Send { .. } | Ask::Admission { .. } | Ask::Revoke { .. } => {
                    octets[5..13].fill(0);
                }
                Ask::Suspend { .. } => octets[5] = 2,
                Ask::Install { .. } => octets[2] = 2,
                Ask::Receive(_) => octets.splice(2.., [0, 0]).for_each(drop),
                _ => octets[1] = 0,
            },
        }
    }

    /// How it is refused: whoever may not ask is told that before the shape.
    pub(crate) fn code(self, ask: &Ask, role: Role) -> Code {
        let has_body = !matches!(ask, Ask::Version | Ask::Status);
        match self {
            Self::Oversized => Code::Oversized,
            Self::Version => Code::UnknownVersion,
            Self::Number(_) => Code::UnknownCommand,
            Self::Short if !has_body => Code::Truncated,
            Self::Range if !self.reaches_a_field(ask) => Code::UnknownVersion,
            _ if !may_call(role, ask) => Code::NotPermitted,
            Self::Short => Code::Truncated,
            Self::Long => Code::TrailingBytes,
            Self::Range => Code::OutOfRange,
        }
    }

    fn reaches_a_field(self, ask: &Ask) -> bool {
        matches!(
            ask,
            Ask::Send { .. }
                | Ask::Admission { .. }
                | Ask::Revoke { .. }
                | Ask::Suspend { .. }
                | Ask::Install { .. }
                | Ask::Receive(_)
        )
    }
}
