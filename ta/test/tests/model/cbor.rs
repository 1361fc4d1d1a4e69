//! As much CBOR (RFC 8949 section 3) as a content needs, each head in its
//! shortest form.

pub(crate) fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

pub(crate) fn bytes(octets: &[u8]) -> Vec<u8> {
    [head(2, octets.len() as u64), octets.to_vec()].concat()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

pub(crate) fn boolean(value: bool) -> Vec<u8> {
    vec![if value { 0xf5 } else { 0xf4 }]
}

pub(crate) fn array(items: impl ExactSizeIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut octets = head(4, items.len() as u64);
    items.for_each(|item| octets.extend(item));
    octets
}

/// A map with its fields as they come.
pub(crate) fn map(fields: Vec<(u64, Vec<u8>)>) -> Vec<u8> {
    let mut octets = head(5, fields.len() as u64);
    for (key, value) in fields {
        octets.extend(uint(key));
        octets.extend(value);
    }
    octets
}

fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    match value {
        0..=23 => vec![major | value as u8],
        24..=0xff => vec![major | 24, value as u8],
        0x100..=0xffff => [&[major | 25][..], &(value as u16).to_be_bytes()].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26][..], &(value as u32).to_be_bytes()].concat(),
        _ => [&[major | 27][..], &value.to_be_bytes()].concat(),
    }
}
