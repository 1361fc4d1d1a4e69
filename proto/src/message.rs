//! What each command carries, one file an area. None of these can hold a PGK.

mod derive;
mod info;

pub use derive::{Receive, ReceiveItem, ReceiveItems, ReceiveReply, Send, SendReply};
pub use info::{
    DeviceState, GroupStatus, PgkState, PgkStatus, Status, StatusReply, Version, VersionReply,
};

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use crate::id::DeviceId;

/// `erase`: everything goes, the identity too.
pub struct Erase {
    /// The device's own id, so that no other is erased by mistake.
    pub device: DeviceId,
}

impl Encode for Erase {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.device.encode(w)
    }
}

impl Decode<'_> for Erase {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { device: DeviceId::decode(r)? })
    }
}

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
