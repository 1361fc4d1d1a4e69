//! `statement`, `enrol` and `import`: what a device signs of itself, and how it
//! takes what its manager has signed.

use alloc::vec::Vec;

use crate::codec::{Decode, DecodeError, Encode, Full, Reader, Writer};
use crate::statement::Statement;

/// `statement`: what the device says of itself, signed. The first one makes the
/// device's identity.
pub struct GetStatement {
    /// The caller's nonce, which shows the answer to be new.
    pub nonce: [u8; 32],
}

impl Encode for GetStatement {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.nonce)
    }
}

impl Decode<'_> for GetStatement {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { nonce: r.array()? })
    }
}

/// A statement (docs/package.md): a COSE_Sign1.
pub struct StatementReply {
    /// Its octets.
    pub statement: Vec<u8>,
}

impl StatementReply {
    /// Octets of the largest reply.
    pub const MAX: usize = Statement::MAX;
}

impl Encode for StatementReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.statement)
    }
}

impl Decode<'_> for StatementReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let statement = r.take_rest();
        if statement.len() > Self::MAX {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self { statement: statement.to_vec() })
    }
}

/// `enrol`: from here on the device belongs to this manager.
pub struct Enrol {
    /// The manager's root key (Ed25519), 32 octets; not all zeros.
    pub root_key: [u8; 32],
    /// The manager's id.
    pub manager: [u8; 16],
}

impl Encode for Enrol {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.root_key)?;
        w.bytes(&self.manager)
    }
}

impl Decode<'_> for Enrol {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (root_key, manager) = (r.array()?, r.array()?);
        // Zeros stand for "none".
        if root_key == [0; 32] {
            return Err(DecodeError::OutOfRange);
        }
        Ok(Self { root_key, manager })
    }
}

/// `import`: a package or a notice takes effect.
pub struct Import<'a> {
    /// Its octets.
    pub octets: &'a [u8],
}

impl Encode for Import<'_> {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(self.octets)
    }
}

impl<'a> Decode<'a> for Import<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { octets: r.take_rest() })
    }
}

/// What came of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// All of it is in effect.
    Applied = 1,
    /// In effect, but for entries below their group's `next`.
    Partly = 2,
    /// The same as last time: nothing to do.
    Same = 3,
    /// Older than what is held: nothing was done.
    Superseded = 4,
}

impl Outcome {
    /// The name that tools print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Partly => "partly",
            Self::Same => "same",
            Self::Superseded => "superseded",
        }
    }
}

impl Encode for Outcome {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u8(*self as u8)
    }
}

impl Decode<'_> for Outcome {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            1 => Ok(Self::Applied),
            2 => Ok(Self::Partly),
            3 => Ok(Self::Same),
            4 => Ok(Self::Superseded),
            _ => Err(DecodeError::OutOfRange),
        }
    }
}

/// What came of it, and the device's receipt.
pub struct ImportReply {
    /// What came of it.
    pub outcome: Outcome,
    /// The device's statement, of after it; its nonce is SHA-256 of the request's
    /// body.
    pub statement: Vec<u8>,
}

impl ImportReply {
    /// Octets of the largest reply.
    pub const MAX: usize = 1 + StatementReply::MAX;
}

impl Encode for ImportReply {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        self.outcome.encode(w)?;
        w.bytes(&self.statement)
    }
}

impl Decode<'_> for ImportReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let outcome = Outcome::decode(r)?;
        Ok(Self { outcome, statement: StatementReply::decode(r)?.statement })
    }
}
