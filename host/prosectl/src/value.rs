//! Values as users write and read them: identifiers as lower-case
//! hexadecimal of full width, times as RFC 3339 UTC.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proseal_proto::id::{EpochSalt, Generation, GroupId, MemberId, PtkId};

/// The last second that RFC 3339 can write: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Exactly `N` octets of hexadecimal.
pub fn octets<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(format!("expected {} hexadecimal digits", 2 * N));
    }
    let mut out = [0; N];
    for (octet, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|e| e.to_string())?;
        *octet = u8::from_str_radix(pair, 16).map_err(|e| e.to_string())?;
    }
    Ok(out)
}

pub(crate) fn hex(octets: &[u8]) -> String {
    // Capacity for all: they may be a key, and a string that moved would
    // leave a part of it behind.
    let mut text = String::with_capacity(2 * octets.len());
    push_hex(&mut text, octets);
    text
}

/// Appends to a text that has room for it.
pub(crate) fn push_hex(text: &mut String, octets: &[u8]) {
    for octet in octets {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
    }
}

/// Hexadecimal in groups of four digits, for people who compare it.
pub(crate) fn grouped(octets: &[u8]) -> String {
    octets.chunks(2).map(hex).collect::<Vec<_>>().join(" ")
}

/// A group id, 6 hexadecimal digits.
pub fn group(text: &str) -> Result<GroupId, String> {
    Ok(GroupId::from_octets(octets(text)?))
}

/// A member id, 6 hexadecimal digits.
pub fn member(text: &str) -> Result<MemberId, String> {
    Ok(MemberId::from_octets(octets(text)?))
}

pub(crate) fn ptk_id(text: &str) -> Result<PtkId, String> {
    PtkId::new(u16::from_be_bytes(octets(text)?)).map_err(|_| "must not be 0000".to_owned())
}

pub(crate) fn salt(text: &str) -> Result<EpochSalt, String> {
    Ok(EpochSalt(octets(text)?))
}

/// What tells an epoch from others of its PGK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EpochName {
    pub(crate) sender: MemberId,
    pub(crate) ptk_id: PtkId,
    pub(crate) salt: Option<EpochSalt>,
}

/// `SENDER:PTK_ID[:SALT]`.
pub(crate) fn epoch(text: &str) -> Result<EpochName, String> {
    let mut fields = text.split(':');
    let mut next = || fields.next().ok_or_else(|| "expected SENDER:PTK_ID[:SALT]".to_owned());
    let (sender, ptk_id) = (member(next()?)?, self::ptk_id(next()?)?);
    let salt = next().ok().map(salt).transpose()?;
    if fields.next().is_some() {
        return Err("nothing follows the salt".to_owned());
    }
    Ok(EpochName { sender, ptk_id, salt })
}

/// A generation, decimal.
pub fn generation(text: &str) -> Result<Generation, String> {
    text.parse()
        .ok()
        .and_then(|n| Generation::new(n).ok())
        .ok_or_else(|| "expected a number from 1 to 2^48".to_owned())
}

/// Seconds since 1970 UTC.
#[must_use]
pub fn seconds(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// RFC 3339 UTC; `None` beyond the year 9999.
#[must_use]
pub fn rfc3339(seconds: u64) -> Option<String> {
    if seconds > LAST_SECOND {
        return None;
    }
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_full_width() {
        assert_eq!(group("00a0b1").map(|g| g.to_string()), Ok("00a0b1".to_owned()));
        for wrong in ["a0b1", "0x00a0b1", "00a0bg", "00a0b1 ", "+0a0b1", ""] {
            assert!(group(wrong).is_err(), "{wrong:?}");
        }
        assert!(ptk_id("0000").is_err());
        assert!(generation("0").is_err());
        assert!(generation("281474976710656").is_ok());
        assert!(generation("281474976710657").is_err());
    }

    #[test]
    fn what_people_compare_stands_in_groups_of_four() {
        assert_eq!(grouped(&[0x1a, 0x90, 0x43, 0x35, 0xb0]), "1a90 4335 b0");
    }

    #[test]
    fn an_epoch_is_sender_ptk_id_and_perhaps_a_salt() {
        let salted = epoch("010203:00ff:a0a1a2a3a4a5a6a7").unwrap();
        assert_eq!((salted.sender.octets(), salted.ptk_id.get()), ([1, 2, 3], 0xff));
        assert_eq!(salted.salt, Some(EpochSalt([0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7])));
        assert_eq!(epoch("010203:00ff").map(|epoch| epoch.salt), Ok(None));
        for wrong in ["", "010203", "010203:", "010203:0000", "010203:0001:", "010203:0001:00"] {
            assert!(epoch(wrong).is_err(), "{wrong:?}");
        }
        assert!(epoch("010203:0001:a0a1a2a3a4a5a6a7:").is_err());
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(86_400).as_deref(), Some("1970-01-02T00:00:00Z"));
        assert_eq!(rfc3339(LAST_SECOND).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(rfc3339(u64::MAX), None);
    }
}
