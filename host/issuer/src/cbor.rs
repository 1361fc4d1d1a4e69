//! Deterministic CBOR (RFC 8949 section 4.2.1). What is written here comes in
//! its one form, in one pass into memory that the caller wipes, so that PGKs
//! pass through no other buffer. What is read is refused unless writing it
//! again gives the same octets.

use coset::cbor::Value;
use coset::cbor::{de, ser};

/// Map keys from here on are extensions, ignored where not known.
const FIRST_EXTENSION: u64 = 64;

/// More nesting than any of the formats has.
const DEPTH: usize = 12;

/// Writes CBOR items one after the other. The caller gives the entries of a map
/// in the order of their keys.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    /// A head in its shortest form (RFC 8949 section 3).
    #[expect(clippy::cast_possible_truncation, reason = "each arm bounds the value")]
    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        match value {
            0..=23 => self.0.push(major | value as u8),
            24..=0xff => self.0.extend([major | 24, value as u8]),
            0x100..=0xffff => {
                self.0.push(major | 25);
                self.0.extend((value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(major | 26);
                self.0.extend((value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend(value.to_be_bytes());
            }
        }
        self
    }

    pub(crate) fn uint(&mut self, value: impl Into<u64>) -> &mut Self {
        self.head(0, value.into())
    }

    pub(crate) fn int(&mut self, value: i64) -> &mut Self {
        // -1 - value is the complement, and no negative number overflows it.
        if value < 0 {
            self.head(1, (!value).unsigned_abs())
        } else {
            self.head(0, value.unsigned_abs())
        }
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(2, value.len() as u64).0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.head(3, value.len() as u64).0.extend_from_slice(value.as_bytes());
        self
    }

    pub(crate) fn array(&mut self, items: usize) -> &mut Self {
        self.head(4, items as u64)
    }

    pub(crate) fn map(&mut self, entries: usize) -> &mut Self {
        self.head(5, entries as u64)
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { 0xf5 } else { 0xf4 });
        self
    }
}

/// Exactly one item in deterministic form, or `None`.
pub(crate) fn read(octets: &[u8]) -> Option<Value> {
    let mut rest = octets;
    let value: Value = de::from_reader_with_recursion_limit(&mut rest, DEPTH).ok()?;
    let whole = rest.is_empty() && ascending(&value) && write(&value) == octets;
    whole.then_some(value)
}

/// The item's octets, with each head in its shortest form; the caller has put
/// the entries of maps in order.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut octets = Vec::new();
    // Writing to a vector has no error, and a `Value` is always writable.
    let _: Result<(), ser::Error<_>> = ser::into_writer(value, &mut octets);
    octets
}

/// Whether the keys of all maps ascend, by their encodings.
fn ascending(value: &Value) -> bool {
    match value {
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| write(key)).collect();
            keys.is_sorted_by(|one, next| one < next)
                && entries.iter().all(|(_, value)| ascending(value))
        }
        Value::Array(items) => items.iter().all(ascending),
        Value::Tag(_, item) => ascending(item),
        _ => true,
    }
}

/// The entries of a map, taken out one by one. Every `None` means that the
/// entry is missing or is not of that type.
pub(crate) struct Entries(Vec<(Value, Value)>);

impl Entries {
    pub(crate) fn of(value: Value) -> Option<Self> {
        value.into_map().ok().map(Self)
    }

    pub(crate) fn take(&mut self, key: i64) -> Option<Value> {
        let at = self.0.iter().position(|(k, _)| *k == Value::from(key))?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn uint(&mut self, key: i64) -> Option<u64> {
        self.take(key)?.into_integer().ok()?.try_into().ok()
    }

    pub(crate) fn bytes(&mut self, key: i64) -> Option<Vec<u8>> {
        self.take(key)?.into_bytes().ok()
    }

    pub(crate) fn octets<const N: usize>(&mut self, key: i64) -> Option<[u8; N]> {
        self.bytes(key)?.try_into().ok()
    }

    pub(crate) fn text(&mut self, key: i64) -> Option<String> {
        self.take(key)?.into_text().ok()
    }

    #[cfg(feature = "testing")]
    pub(crate) fn bool(&mut self, key: i64) -> Option<bool> {
        self.take(key)?.into_bool().ok()
    }

    #[cfg(feature = "testing")]
    pub(crate) fn array(&mut self, key: i64) -> Option<Vec<Value>> {
        self.take(key)?.into_array().ok()
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Nothing may be left but extensions: scalars under keys from 64 on.
    pub(crate) fn end_of_payload(self) -> Option<()> {
        let extension = |(key, value): &(Value, Value)| {
            let key = key.as_integer().and_then(|key| u64::try_from(key).ok());
            let scalar = match value {
                Value::Integer(n) => u64::try_from(*n).is_ok(),
                Value::Bytes(_) | Value::Text(_) | Value::Bool(_) => true,
                _ => false,
            };
            key.is_some_and(|key| key >= FIRST_EXTENSION) && scalar
        };
        self.0.iter().all(extension).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        write: impl for<'w, 'v> FnOnce(&'w mut Writer<'v>) -> &'w mut Writer<'v>,
    ) -> Vec<u8> {
        let mut octets = Vec::new();
        write(&mut Writer(&mut octets));
        octets
    }

    /// RFC 8949 Appendix A.
    #[test]
    fn heads_are_those_of_the_standard() {
        for (value, expected) in [
            (0_u64, &[0x00][..]),
            (23, &[0x17]),
            (24, &[0x18, 0x18]),
            (100, &[0x18, 0x64]),
            (1000, &[0x19, 0x03, 0xe8]),
            (1_000_000, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (1_000_000_000_000, &[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0]),
            (u64::MAX, &[0x1b, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(written(|w| w.uint(value)), expected, "{value}");
        }
        for (value, expected) in [
            (-1_i64, &[0x20][..]),
            (-100, &[0x38, 0x63]),
            (-1000, &[0x39, 0x03, 0xe7]),
            (-65537, &[0x3a, 0, 1, 0, 0]),
            (i64::MIN, &[0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(written(|w| w.int(value)), expected, "{value}");
        }
        assert_eq!(written(|w| w.bytes(&[1, 2, 3, 4])), [0x44, 1, 2, 3, 4]);
        assert_eq!(written(|w| w.text("IETF")), b"\x64IETF");
        assert_eq!(written(|w| w.map(1).uint(1_u8).bool(true)), [0xa1, 1, 0xf5]);
        assert_eq!(written(|w| w.array(2).bool(false).int(1)), [0x82, 0xf4, 1]);
    }

    #[test]
    fn only_the_deterministic_form_is_read() {
        assert!(read(&[0xa2, 1, 0, 2, 0]).is_some());
        for other in [
            &[0xa2, 2, 0, 1, 0][..], // keys descend
            &[0xa2, 1, 0, 1, 0],     // a key twice
            &[0xa1, 0x18, 1, 0],     // a longer head
            &[0xbf, 1, 0, 0xff],     // no length
            &[0x58, 1, 7],           // a longer length
            &[0x5f, 0x41, 7, 0xff],  // in pieces
            &[0xa1, 1, 0, 0],        // something behind it
            &[0xa1, 1],              // cut short
            &[],
        ] {
            assert!(read(other).is_none(), "{other:02x?}");
        }
        let deep = [&[0x81; DEPTH + 1][..], &[0]].concat();
        assert!(read(&deep).is_none(), "nested too deep");
    }

    #[test]
    fn extensions_begin_at_64() {
        let end = |octets: &[u8]| Entries::of(read(octets).unwrap()).unwrap().end_of_payload();
        assert_eq!(end(&[0xa0]), Some(()));
        assert_eq!(end(&[0xa1, 0x18, 64, 0]), Some(()));
        assert_eq!(end(&[0xa1, 0x18, 63, 0]), None);
        assert_eq!(end(&[0xa1, 0x18, 64, 0x80]), None, "not a scalar");
        assert_eq!(end(&[0xa1, 0x18, 64, 0x20]), None, "a negative number");
        assert_eq!(end(&[0xa1, 0x38, 64, 0]), None, "a negative key");
    }
}
