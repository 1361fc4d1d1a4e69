//! The table of commands: number, request, reply, largest response.
//!
//! | no | name | callers | request | reply |
//! | --- | --- | --- | --- | --- |
//! | 1 | version | anyone | [`Version`] | [`VersionReply`] |
//! | 2 | statement | daemon, administrator | [`GetStatement`] | [`StatementReply`] |
//! | 3 | enrol | administrator | [`Enrol`] | [`StatementReply`] |
//! | 4 | import | daemon, administrator | [`Import`] | [`ImportReply`] |
//! | 5 | status | daemon, administrator | [`Status`] | [`StatusReply`] |
//! | 6 | send | daemon | [`Send`] | [`SendReply`] |
//! | 7 | receive | daemon | [`Receive`] | [`ReceiveReply`] |
//! | 8 | admission | daemon | [`Admission`] | [`AdmissionReply`] |
//! | 9 | suspend | daemon (on), administrator | [`Suspend`] | [`Done`] |
//! | 10 | revoke | administrator | [`Revoke`] | [`Done`] |
//! | 11 | events | administrator | [`Events`] | [`EventsReply`] |
//! | 12 | erase | administrator | [`Erase`] | [`Done`] |
//!
//! Numbers from 0x8000 on are none of the product's: the test build has some
//! ([`crate::test_command`]).
//!
//! A request is `proto u16` and the body; a response is `code u32` and, if
//! the code is 0, the reply.

use alloc::vec::Vec;

use zeroize::Zeroize;

use crate::PROTO_VERSION;
use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer, decode_all};
use crate::error::Code;
use crate::limit::{REQUEST_MAX, RESPONSE_MAX};
use crate::message::{
    Admission, AdmissionReply, Done, Enrol, Erase, Events, EventsReply, GetStatement, Import,
    ImportReply, Receive, ReceiveItems, ReceiveReply, Revoke, Send, SendReply, StatementReply,
    Status, StatusReply, Suspend, Version, VersionReply,
};
use crate::role::Role;

/// Octets before a reply: the code.
pub const RESPONSE_HEAD: usize = 4;

/// The numbers of the product's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Id {
    /// What the TA is and what it can hold.
    Version = 1,
    /// What the device signs of itself.
    Statement = 2,
    /// The device takes a manager's root key.
    Enrol = 3,
    /// A package or a notice takes effect.
    Import = 4,
    /// What the device holds, and how it is.
    Status = 5,
    /// A new epoch to send with.
    Send = 6,
    /// The keys of epochs that others send with.
    Receive = 7,
    /// The key by which frames of a group are told from others.
    Admission = 8,
    /// Deriving stops in a group, or goes on.
    Suspend = 9,
    /// What is below a generation ends for ever.
    Revoke = 10,
    /// What has happened to the keys.
    Events = 11,
    /// Everything goes.
    Erase = 12,
}

impl Id {
    /// All commands, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Version,
        Self::Statement,
        Self::Enrol,
        Self::Import,
        Self::Status,
        Self::Send,
        Self::Receive,
        Self::Admission,
        Self::Suspend,
        Self::Revoke,
        Self::Events,
        Self::Erase,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl TryFrom<u32> for Id {
    type Error = Code;

    fn try_from(number: u32) -> Result<Self, Code> {
        Self::ALL.iter().copied().find(|id| id.number() == number).ok_or(Code::UnknownCommand)
    }
}

/// A request, tied to its number and its reply.
pub trait Command: Encode {
    /// The command's number.
    const NUMBER: u32;
    /// The roles that may call it; whoever has several takes the first.
    const CALLERS: &'static [Role];
    /// Largest response in octets, the code included.
    const RESPONSE_MAX: usize;
    /// What a success carries.
    type Reply: Encode + for<'r> Decode<'r>;

    /// Largest response to this very request in octets, the code included:
    /// the room that the caller must bring.
    fn response_max(&self) -> usize {
        Self::RESPONSE_MAX
    }
}

/// Ties requests to their rows; a response that could not fit does not compile.
/// What follows the largest reply's octets says how many this request's has.
macro_rules! command {
    ($number:expr, $callers:expr, $request:ty => $reply:ty, $max:expr $(, $len:expr)?) => {
        impl $crate::command::Command for $request {
            const NUMBER: u32 = $number;
            const CALLERS: &'static [$crate::role::Role] = $callers;
            const RESPONSE_MAX: usize = {
                let max = $crate::command::RESPONSE_HEAD + $max;
                assert!(max <= $crate::limit::RESPONSE_MAX);
                max
            };
            type Reply = $reply;
            $(
                fn response_max(&self) -> usize {
                    let len: fn(&Self) -> usize = $len;
                    $crate::command::RESPONSE_HEAD.saturating_add(len(self))
                }
            )?
        }
    };
}
pub(crate) use command;

/// Any session.
const ANYONE: &[Role] = Role::ALL;
/// Whoever has a role.
pub(crate) const BOTH: &[Role] = &[Role::Daemon, Role::Administrator];
const DAEMON: &[Role] = &[Role::Daemon];
/// Whoever provisions the device.
pub(crate) const ADMINISTRATOR: &[Role] = &[Role::Administrator];

command!(Id::Version.number(), ANYONE, Version => VersionReply, VersionReply::LEN);
command!(
    Id::Statement.number(), BOTH, GetStatement => StatementReply, StatementReply::MAX
);
command!(Id::Enrol.number(), ADMINISTRATOR, Enrol => StatementReply, StatementReply::MAX);
command!(Id::Import.number(), BOTH, Import<'_> => ImportReply, ImportReply::MAX);
command!(Id::Status.number(), BOTH, Status => StatusReply, StatusReply::MAX);
command!(Id::Send.number(), DAEMON, Send => SendReply, SendReply::LEN);
command!(
    Id::Receive.number(), DAEMON, Receive => ReceiveReply, ReceiveReply::MAX,
    |request| ReceiveReply::len(request.items.len())
);
command!(
    Id::Receive.number(), DAEMON, ReceiveItems<'_> => ReceiveReply, ReceiveReply::MAX,
    |request| ReceiveReply::len(request.count())
);
command!(Id::Admission.number(), DAEMON, Admission => AdmissionReply, AdmissionReply::LEN);
// The administrator before the daemon, who may not resume.
command!(Id::Suspend.number(), &[Role::Administrator, Role::Daemon], Suspend => Done, 0);
command!(Id::Revoke.number(), ADMINISTRATOR, Revoke => Done, 0);
command!(Id::Events.number(), ADMINISTRATOR, Events => EventsReply, EventsReply::MAX);
command!(Id::Erase.number(), ADMINISTRATOR, Erase => Done, 0);

/// Appends a whole request to an empty buffer of capacity [`REQUEST_MAX`].
pub fn encode_request(command: &impl Encode, out: &mut Vec<u8>) -> Result<(), Full> {
    let mut w = Writer::new(out, REQUEST_MAX);
    w.u16(PROTO_VERSION)?;
    command.encode(&mut w)
}

/// The body of a request, once its length and version are right.
pub fn request_body(request: &[u8]) -> Result<&[u8], Code> {
    if request.len() > REQUEST_MAX {
        return Err(Code::Oversized);
    }
    let mut r = Reader::new(request);
    if r.u16()? != PROTO_VERSION {
        return Err(Code::UnknownVersion);
    }
    Ok(r.take_rest())
}

/// Appends a whole response: what `reply` writes behind a code of 0, or the
/// code that it ends with. A reply that does not fit becomes
/// [`Code::Internal`], so that there is always a response.
pub fn encode_response(
    out: &mut Vec<u8>,
    reply: impl FnOnce(&mut Writer<'_>) -> Result<(), Code>,
) -> Result<(), Code> {
    out.clear();
    let mut w = Writer::new(out, RESPONSE_MAX);
    let result = w.u32(0).map_err(Code::from).and_then(|()| reply(&mut w));
    if let Err(code) = result {
        // A reply that was cut short may have begun with keys.
        out.as_mut_slice().zeroize();
        out.clear();
        out.extend_from_slice(&code.number().to_be_bytes());
    }
    result
}

/// Why a response is not the reply that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The TA refused, with a code that this side knows.
    Refused(Code),
    /// The TA refused, with a code that only a later version knows.
    RefusedUnknown(u32),
    /// The octets are not a response.
    Malformed(DecodeError),
}

impl From<DecodeError> for ResponseError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// Reads a response to `C`.
pub fn decode_response<C: Command>(response: &[u8]) -> Result<C::Reply, ResponseError> {
    let mut r = Reader::new(response);
    match r.u32()? {
        0 => Ok(decode_all(r.take_rest())?),
        number => {
            r.finish()?;
            Err(match Code::from_number(number) {
                Some(code) => ResponseError::Refused(code),
                None => ResponseError::RefusedUnknown(number),
            })
        }
    }
}
