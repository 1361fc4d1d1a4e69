//! The only encoder and decoder of messages: big-endian integers of fixed
//! width, lists behind a `u16` count, nothing implied. A decoder must consume
//! its whole input.
//!
//! (Written out, not derived by a serialisation library: the format is this
//! simple, key material needs no `Serialize`, and the TA stays small.)

use alloc::vec::Vec;

use crate::error::Code;
use crate::id::{DeviceId, EpochSalt, Generation, GroupId, MemberId, OutOfRange, PgkId, PtkId};

/// Why octets are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The input ends too early.
    Truncated,
    /// The input goes on too long.
    TrailingBytes,
    /// A value is out of its range, or a list longer than allowed.
    OutOfRange,
}

impl From<DecodeError> for Code {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Truncated => Self::Truncated,
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::OutOfRange => Self::OutOfRange,
        }
    }
}

impl From<OutOfRange> for DecodeError {
    fn from(_: OutOfRange) -> Self {
        Self::OutOfRange
    }
}

/// The writer's buffer has no room left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl From<Full> for Code {
    fn from(_: Full) -> Self {
        Self::Internal
    }
}

/// What can be written as octets.
pub trait Encode {
    /// Appends this value.
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full>;
}

/// What can be read from octets, possibly borrowing them.
pub trait Decode<'a>: Sized {
    /// Takes this value from the front of the input.
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// Decodes `input` as exactly one `T`.
pub fn decode_all<'a, T: Decode<'a>>(input: &'a [u8]) -> Result<T, DecodeError> {
    let mut r = Reader::new(input);
    let value = T::decode(&mut r)?;
    r.finish()?;
    Ok(value)
}

/// Takes values from the front of its input.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    /// Refuses anything that was not read.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    /// All that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// The next `len` octets.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` octets.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        self.copy_to(&mut out)?;
        Ok(out)
    }

    /// The next octets, copied to where they are kept (no copy on the way).
    pub fn copy_to(&mut self, out: &mut [u8]) -> Result<(), DecodeError> {
        out.copy_from_slice(self.take(out.len())?);
        Ok(())
    }

    /// One octet.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// Two octets.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Four octets.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight octets.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// One octet, 0 or 1.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::OutOfRange),
        }
    }

    /// A list of at most `max` items behind a `u16` count.
    pub fn list<T: Decode<'a>>(&mut self, max: usize) -> Result<Vec<T>, DecodeError> {
        let count = usize::from(self.u16()?);
        if count > max {
            return Err(DecodeError::OutOfRange);
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::decode(self)?);
        }
        Ok(items)
    }
}

/// Appends values to a buffer, never beyond `max` octets. The buffer is made
/// with that capacity by the caller, so it never moves and leaves no copies.
pub struct Writer<'b> {
    buffer: &'b mut Vec<u8>,
    max: usize,
}

impl<'b> Writer<'b> {
    /// Appends to `buffer` until it holds `max` octets.
    #[must_use]
    pub const fn new(buffer: &'b mut Vec<u8>, max: usize) -> Self {
        Self { buffer, max }
    }

    /// Appends octets as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Full> {
        match self.buffer.len().checked_add(bytes.len()) {
            Some(len) if len <= self.max => {
                self.buffer.extend_from_slice(bytes);
                Ok(())
            }
            _ => Err(Full),
        }
    }

    /// Appends `len` zeros, to be written in place.
    pub fn zeros(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let start = self.buffer.len();
        match start.checked_add(len) {
            Some(end) if end <= self.max => {
                self.buffer.resize(end, 0);
                self.buffer.get_mut(start..).ok_or(Full)
            }
            _ => Err(Full),
        }
    }

    /// One octet.
    pub fn u8(&mut self, value: u8) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// Two octets.
    pub fn u16(&mut self, value: u16) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// Four octets.
    pub fn u32(&mut self, value: u32) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// Eight octets.
    pub fn u64(&mut self, value: u64) -> Result<(), Full> {
        self.bytes(&value.to_be_bytes())
    }

    /// One octet, 0 or 1.
    pub fn bool(&mut self, value: bool) -> Result<(), Full> {
        self.u8(u8::from(value))
    }

    /// A list behind a `u16` count.
    pub fn list<T: Encode>(&mut self, items: &[T]) -> Result<(), Full> {
        self.u16(u16::try_from(items.len()).map_err(|_| Full)?)?;
        items.iter().try_for_each(|item| item.encode(self))
    }
}

impl Encode for GroupId {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.octets())
    }
}

impl Decode<'_> for GroupId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from_octets(r.array()?))
    }
}

impl Encode for MemberId {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.octets())
    }
}

impl Decode<'_> for MemberId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::from_octets(r.array()?))
    }
}

impl Encode for Generation {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u64(self.get())
    }
}

impl Decode<'_> for Generation {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::new(r.u64()?)?)
    }
}

impl Encode for PgkId {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u8(self.0)
    }
}

impl Decode<'_> for PgkId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.u8()?))
    }
}

impl Encode for PtkId {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.u16(self.get())
    }
}

impl Decode<'_> for PtkId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::new(r.u16()?)?)
    }
}

impl Encode for EpochSalt {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.0)
    }
}

impl Decode<'_> for EpochSalt {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.array()?))
    }
}

impl Encode for DeviceId {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), Full> {
        w.bytes(&self.0)
    }
}

impl Decode<'_> for DeviceId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.array()?))
    }
}
