//! A PGK from a file or standard input, never from an argument.

use std::io::{self, Read};
use std::path::Path;

use prosectl::file;
use zeroize::Zeroizing;

use crate::failure::ImportFailure;

const KEY_LEN: usize = 32;
/// 64 digits and whatever white space an editor adds; more is no key.
const READ_MAX: usize = 256;

/// Reads a key: 32 octets, or 64 hexadecimal digits and white space.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<[u8; KEY_LEN]>, ImportFailure> {
    let name = file::name(path);
    let failed = |error: io::Error| ImportFailure::Key {
        message: format!("cannot read the key from {name}: {error}"),
        hint: "name a file that this user may read, or - for standard input",
    };
    let mut octets = Zeroizing::new(Vec::with_capacity(READ_MAX));
    let file = file::open(path).map_err(failed)?;
    file.take(READ_MAX as u64).read_to_end(&mut octets).map_err(failed)?;
    parse(&octets).ok_or_else(|| ImportFailure::Key {
        message: if octets.len() == READ_MAX {
            format!("{name} is too long for a key")
        } else if octets.len() == KEY_LEN {
            format!("{name} has {KEY_LEN} characters of text, which is no key")
        } else {
            format!("{name} has {} octets, which is no key", octets.len())
        },
        hint: "a PGK is 32 octets, or 64 hexadecimal digits: `head -c 32 /dev/urandom > FILE` makes one",
    })
}

fn parse(octets: &[u8]) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    if octets.len() == KEY_LEN {
        // Half of a key's digits, or a password: of random keys not one in
        // 10^13 is text.
        if octets.iter().all(|octet| octet.is_ascii_graphic() || octet.is_ascii_whitespace()) {
            return None;
        }
        key.copy_from_slice(octets);
        return Some(key);
    }
    let digits = octets.trim_ascii();
    if digits.len() != 2 * KEY_LEN {
        return None;
    }
    for (octet, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair else { return None };
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(key)
}

const fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_octets_or_64_digits() {
        assert_eq!(parse(&[7; 32]).as_deref(), Some(&[7; 32]));
        let text = format!("{}\n", "0A".repeat(32));
        assert_eq!(parse(text.as_bytes()).as_deref(), Some(&[10; 32]));
        for wrong in [
            &b""[..],
            &[b'0'; 32],
            b"correct horse battery staple 42\n",
            &[0; 31],
            &[0; 33],
            &[b'0'; 63],
            &[b'g'; 64],
            &[b'0'; 66],
        ] {
            assert!(parse(wrong).is_none(), "{} octets", wrong.len());
        }
    }
}
