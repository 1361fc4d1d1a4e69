//! Deterministic CBOR (RFC 8949 section 4.2.1). What is written here comes in
//! its one form, in one pass into memory that the caller wipes, so that PGKs
//! pass through no other buffer. What is read is refused unless it is in that form.

use coset::cbor::{Value, de};

/// Map keys from here on are extensions, ignored where not known.
const FIRST_EXTENSION: u64 = 64;

/// More nesting than any of the formats has.
const DEPTH: usize = 12;

/// Simple values (RFC 8949 section 3.3): false, true and null.
const FALSE: u64 = 20;
const NULL: u64 = 22;

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
    if !after_item(octets, DEPTH)?.is_empty() {
        return None;
    }
    de::from_reader_with_recursion_limit(octets, DEPTH).ok()
}

/// What comes after the first item, if that has its one form. The formats have neither
/// floating-point numbers nor bignums (RFC 8949 section 3.4.3): none is read.
fn after_item(octets: &[u8], depth: usize) -> Option<&[u8]> {
    let (major, value, rest) = head(octets)?;
    match (major, value) {
        (0 | 1, _) | (7, FALSE..=NULL) => return Some(rest),
        (2 | 3, len) => return rest.get(usize::try_from(len).ok()?..),
        (7, _) | (6, 2 | 3) => return None,
        _ => {}
    }
    let depth = depth.checked_sub(1)?;
    let mut last: &[u8] = &[];
    match major {
        4 => (0..value).try_fold(rest, |rest, _| after_item(rest, depth)),
        5 => (0..value).try_fold(rest, |rest, _| {
            let after_key = after_item(rest, depth)?;
            let key = rest.get(..rest.len().checked_sub(after_key.len())?)?;
            // By their encodings, of which none is empty.
            let ascends = last < key;
            last = key;
            if ascends { after_item(after_key, depth) } else { None }
        }),
        _ => after_item(rest, depth),
    }
}

/// Major type, argument and what follows of a head in its shortest form (RFC 8949 section 3).
fn head(octets: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (&first, rest) = octets.split_first()?;
    let (major, info) = (first >> 5, first & 0x1f);
    // How many octets the argument has, and from where on it needs them.
    let (len, least) = match info {
        0..=23 => return Some((major, info.into(), rest)),
        24 => (1, 24),
        25 => (2, 0x100),
        26 => (4, 0x1_0000),
        27 => (8, 0x1_0000_0000),
        _ => return None,
    };
    let (argument, rest) = rest.split_at_checked(len)?;
    let value = argument.iter().fold(0, |value, octet| value << 8 | u64::from(*octet));
    (value >= least).then_some((major, value, rest))
}

/// The item's octets, with each head in its shortest form; the caller has put
/// the entries of maps in order.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut octets = Vec::new();
    // Writing to a vector has no error, and a `Value` is always writable.
    let _: Result<(), coset::cbor::ser::Error<_>> =
        coset::cbor::ser::into_writer(value, &mut octets);
    octets
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
    use proptest::prelude::*;

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
            &[0x42, 7],              // shorter than it says
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0xc2, 0x41, 5], // 5 as a large number
            &[0xf8, 21],      // true, longer
            &[0xf8, 32],      // a simple value
            &[0xf7],          // undefined
            &[0xf9, 0x3c, 0], // 1.0
            &[0xff],          // an end alone
            &[0x61, 0xff],    // no UTF-8
            &[],
        ] {
            assert!(read(other).is_none(), "{other:02x?}");
        }
        let deep = [&[0x81; DEPTH + 1][..], &[0]].concat();
        assert!(read(&deep[1..]).is_some());
        assert!(read(&deep).is_none() && after_item(&deep, DEPTH).is_none(), "nested too deep");
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

    fn any_item() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            any::<i64>().prop_map(Value::from),
            (0_i64..300).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
            ".{0,30}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 5, |inner| {
            let pair = (inner.clone(), inner.clone());
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::vec(pair, 0..3).prop_map(Value::Map),
                (4_u64..9999, inner).prop_map(|(tag, item)| Value::Tag(tag, Box::new(item))),
            ]
        })
    }

    /// Whether the keys of all maps ascend, by what the library writes.
    fn ascends(value: &Value) -> bool {
        match value {
            Value::Map(entries) => {
                let keys: Vec<_> = entries.iter().map(|(key, _)| write(key)).collect();
                keys.is_sorted_by(|one, next| one < next)
                    && entries.iter().all(|(key, value)| ascends(key) && ascends(value))
            }
            Value::Array(items) => items.iter().all(ascends),
            Value::Tag(_, item) => ascends(item),
            _ => true,
        }
    }

    proptest! {
        /// Another implementation says which form is the one.
        #[test]
        fn what_is_written_is_read_if_its_keys_ascend(value in any_item()) {
            let is_read = read(&write(&value)).is_some_and(|read| read == value);
            prop_assert_eq!(is_read, ascends(&value));
        }

        #[test]
        fn what_is_read_is_written_the_same(
            value in any_item(), at in any::<prop::sample::Index>(), octet: u8, len in 0_usize..3
        ) {
            let mut octets = write(&value);
            let at = at.index(octets.len());
            octets.splice(at..(at + len).min(octets.len()), [octet]);
            if let Some(read) = read(&octets) {
                prop_assert_eq!(write(&read), octets);
                prop_assert!(ascends(&read));
            }
        }
    }
}
