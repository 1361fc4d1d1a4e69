//! What each command carries, one file an area. None of these can hold a PGK.

mod derive;
mod info;
mod lifecycle;
mod packages;

pub use derive::{
    Admission, AdmissionReply, Receive, ReceiveItem, ReceiveItems, ReceiveReply, Send, SendReply,
};
pub use info::{
    DeviceState, GroupStatus, PgkState, PgkStatus, Status, StatusReply, Version, VersionReply,
};
pub use lifecycle::{Erase, Event, EventKind, Events, EventsReply, Revoke, Suspend};
pub use packages::{Enrol, GetStatement, Import, ImportReply, Outcome, StatementReply};

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};

/// An empty reply: the command was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done;

impl Encode for Done {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), Full> {
        Ok(())
    }
}

impl Decode<'_> for Done {
    fn decode(_: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}
