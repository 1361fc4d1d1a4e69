//! Deterministic CBOR (RFC 8949 section 4.2.1): what `minicbor` reads, plus
//! the demand that each head is in its shortest form and map keys ascend.

use minicbor::Decoder;
use minicbor::data::Type;

/// The input is not deterministic CBOR of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Octets of the shortest head for `value` (RFC 8949 section 3).
const fn head_len(value: u64) -> usize {
    match value {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// A reader that refuses whatever is not deterministic.
#[derive(Clone)]
pub(crate) struct Strict<'a> {
    decoder: Decoder<'a>,
}

impl<'a> Strict<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(input) }
    }

    /// Refuses anything that was not read.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.decoder.position() == self.decoder.input().len() { Ok(()) } else { Err(Malformed) }
    }

    /// Runs `read` and demands that it took `len(value)` octets.
    fn exact<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Malformed>,
        len: impl FnOnce(&T) -> Option<usize>,
    ) -> Result<T, Malformed> {
        let start = self.decoder.position();
        let value = read(&mut self.decoder)?;
        let used = self.decoder.position().checked_sub(start);
        if used.is_some() && used == len(&value) { Ok(value) } else { Err(Malformed) }
    }

    pub(crate) fn uint(&mut self) -> Result<u64, Malformed> {
        self.exact(|d| Ok(d.u64()?), |value| Some(head_len(*value)))
    }

    /// A label of a COSE header: a number of either sign.
    pub(crate) fn label(&mut self) -> Result<i64, Malformed> {
        let len =
            |value: &i64| Some(head_len(if *value < 0 { !*value } else { *value }.cast_unsigned()));
        self.exact(|d| Ok(d.i64()?), len)
    }

    /// The head of a tag, which must be this one.
    pub(crate) fn tag(&mut self, tag: u64) -> Result<(), Malformed> {
        let found = self.exact(|d| Ok(d.tag()?.as_u64()), |found| Some(head_len(*found)))?;
        if found == tag { Ok(()) } else { Err(Malformed) }
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Malformed> {
        self.exact(|d| Ok(d.bool()?), |_| Some(1))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        self.exact(|d| Ok(d.bytes()?), |value| payload_len(value.len()))
    }

    pub(crate) fn array_of_octets<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_| Malformed)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        self.exact(|d| Ok(d.str()?), |value| payload_len(value.len()))
    }

    /// The head of an array: its count of items.
    pub(crate) fn array(&mut self) -> Result<usize, Malformed> {
        let count = self.exact(|d| d.array()?.ok_or(Malformed), |count| Some(head_len(*count)))?;
        usize::try_from(count).map_err(|_| Malformed)
    }

    /// Reads a map whose keys are unsigned numbers: `entry` is called with
    /// each key and reads its value. Keys must ascend, so none comes twice.
    pub(crate) fn map<E: From<Malformed>>(
        &mut self,
        mut entry: impl FnMut(&mut Self, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = self.entries()?;
        let mut last = None;
        for _ in 0..count {
            let key = self.uint()?;
            if last.is_some_and(|last| key <= last) {
                return Err(Malformed.into());
            }
            last = Some(key);
            entry(self, key)?;
        }
        Ok(())
    }

    /// The head of a map: its count of entries.
    pub(crate) fn entries(&mut self) -> Result<u64, Malformed> {
        self.exact(|d| d.map()?.ok_or(Malformed), |count| Some(head_len(*count)))
    }

    /// Passes over one value of an extension that this version does not know:
    /// an unsigned number, a string or a boolean. Nothing nested, so the work
    /// is bounded by the input.
    pub(crate) fn skip_scalar(&mut self) -> Result<(), Malformed> {
        match self.decoder.datatype()? {
            Type::Bytes => self.bytes().map(drop),
            Type::String => self.text().map(drop),
            Type::Bool => self.bool().map(drop),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.uint().map(drop),
            _ => Err(Malformed),
        }
    }
}

fn payload_len(payload: usize) -> Option<usize> {
    head_len(u64::try_from(payload).ok()?).checked_add(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_is_a_number() {
        assert_eq!(Strict::new(&[0x17]).uint(), Ok(23));
        assert_eq!(Strict::new(&[0x18, 23]).uint(), Err(Malformed));
        assert_eq!(Strict::new(&[0x18, 24]).uint(), Ok(24));
        assert_eq!(Strict::new(&[0x19, 0, 24]).uint(), Err(Malformed));
        assert_eq!(Strict::new(&[0x20]).uint(), Err(Malformed), "-1");
    }

    #[test]
    fn labels_have_either_sign_and_the_shortest_form() {
        assert_eq!(Strict::new(&[0x10]).label(), Ok(16));
        assert_eq!(Strict::new(&[0x27]).label(), Ok(-8));
        assert_eq!(Strict::new(&[0x3a, 0, 1, 0, 0]).label(), Ok(-65537));
        assert_eq!(Strict::new(&[0x38, 7]).label(), Err(Malformed), "-8 in a longer form");
        assert_eq!(Strict::new(&[0x3b, 0x80, 0, 0, 0, 0, 0, 0, 0]).label(), Err(Malformed));
    }

    #[test]
    fn a_tag_is_the_one_that_is_asked_for() {
        assert_eq!(Strict::new(&[0xd2]).tag(18), Ok(()));
        assert_eq!(Strict::new(&[0xd0]).tag(18), Err(Malformed));
        assert_eq!(Strict::new(&[0xd8, 18]).tag(18), Err(Malformed), "a longer form");
        assert_eq!(Strict::new(&[0x12]).tag(18), Err(Malformed), "a number");
    }

    #[test]
    fn strings_and_lists_have_definite_shortest_lengths() {
        assert_eq!(Strict::new(&[0x41, 7]).bytes(), Ok(&[7u8][..]));
        assert_eq!(Strict::new(&[0x58, 1, 7]).bytes(), Err(Malformed));
        assert_eq!(Strict::new(&[0x5f, 0x41, 7, 0xff]).bytes(), Err(Malformed));
        assert_eq!(Strict::new(&[0x9f, 0xff]).array(), Err(Malformed));
    }

    #[test]
    fn only_scalars_of_the_format_are_skipped() {
        for known in [&[0x18, 24][..], &[0x41, 7], &[0x61, b'a'], &[0xf5]] {
            let mut reader = Strict::new(known);
            assert_eq!(reader.skip_scalar(), Ok(()), "{known:02x?}");
            assert_eq!(reader.finish(), Ok(()), "{known:02x?}");
        }
        // -1, null, a half float, an array, a map, a tag, a longer form.
        for other in
            [&[0x20][..], &[0xf6], &[0xf9, 0, 0], &[0x80], &[0xa0], &[0xc0, 0x60], &[0x18, 1]]
        {
            assert_eq!(Strict::new(other).skip_scalar(), Err(Malformed), "{other:02x?}");
        }
    }

    #[test]
    fn map_keys_ascend() {
        let read = |input: &[u8]| Strict::new(input).map(|r, _| r.uint().map(drop));
        assert_eq!(read(&[0xa2, 1, 0, 2, 0]), Ok(()));
        assert_eq!(read(&[0xa2, 2, 0, 1, 0]), Err(Malformed));
        assert_eq!(read(&[0xa2, 1, 0, 1, 0]), Err(Malformed));
        assert_eq!(read(&[0xa2, 1, 0]), Err(Malformed));
    }
}
