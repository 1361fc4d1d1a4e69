//! Values as users write and read them: identifiers as lower-case hexadecimal of
//! full width, times as RFC 3339 UTC.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use proseal_proto::content::Label;
use proseal_proto::id::{GroupId, MemberId};
use proseal_proto::limit;

/// The last second that RFC 3339 can write: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// Exactly `N` octets of hexadecimal.
pub(crate) fn octets<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let digits = text.as_bytes();
    let expected = N.saturating_mul(2);
    if digits.len() != expected || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(format!("expected {expected} hexadecimal digits"));
    }
    let mut octets = [0; N];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
        *octet = u8::from_str_radix(pair, 16).map_err(|error| error.to_string())?;
    }
    Ok(octets)
}

/// The same of what people copy from a screen: groups and colons mean nothing.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 16], String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    octets(&digits)
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Hexadecimal in groups of four digits, for people who compare it.
pub(crate) fn grouped(octets: &[u8]) -> String {
    octets.chunks(2).map(hex).collect::<Vec<_>>().join(" ")
}

pub(crate) fn group(text: &str) -> Result<GroupId, String> {
    Ok(GroupId::from_octets(octets(text)?))
}

pub(crate) fn member(text: &str) -> Result<MemberId, String> {
    Ok(MemberId::from_octets(octets(text)?))
}

pub(crate) fn label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|_| format!("at most {} octets", limit::LABEL))
}

/// The name of a device or a group, which is also a file's.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.len() <= 31 && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("expected at most 31 letters, digits, `-`, `_` and `.`, the first one a letter or digit".into())
    }
}

/// The name of a group, which is none that could be an id.
pub(crate) fn group_name(text: &str) -> Result<String, String> {
    if group(text).is_ok() {
        return Err("a name of 6 hexadecimal digits would be taken for a group's id".into());
    }
    name(text)
}

/// Seconds, or a span such as `30d` or `1day 12h`.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let span = humantime::parse_duration(text);
    span.map(|span| span.as_secs()).map_err(|_| "expected a span of time such as 30d or 12h".into())
}

/// The same, at most 2^32 - 1 seconds.
pub(crate) fn seconds32(text: &str) -> Result<u32, String> {
    u32::try_from(seconds(text)?).map_err(|_| "expected at most 136 years".into())
}

/// RFC 3339 UTC.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    match time.filter(|_| seconds <= LAST_SECOND) {
        Some(time) => humantime::format_rfc3339_seconds(time).to_string(),
        None => "a time beyond the year 9999".to_owned(),
    }
}

/// A span of time as people say it.
pub(crate) fn span(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_may_stand_in_groups() {
        let expected = Ok([0x1a; 16]);
        assert_eq!(fingerprint(&"1a".repeat(16)), expected);
        assert_eq!(fingerprint(&"1A1a ".repeat(8)), expected);
        assert_eq!(fingerprint(&"1a:".repeat(16)), expected);
        assert!(fingerprint(&"1a".repeat(15)).is_err());
    }

    #[test]
    fn a_name_is_a_file_name_too() {
        for good in ["r1", "radio-7", "7.b_c"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for wrong in ["", ".", "..", "-r", "a/b", "a b", &"a".repeat(32)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_groups_name_is_not_like_an_id() {
        assert_eq!(group_name("patrol").as_deref(), Ok("patrol"));
        assert!(group_name("0a0b0c").is_err() && group_name("Decade").is_err());
    }

    #[test]
    fn spans_of_time_are_seconds_or_words() {
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("30d"), Ok(30 * 86_400));
        assert!(seconds("soon").is_err());
        assert!(seconds32("200years").is_err());
    }
}
