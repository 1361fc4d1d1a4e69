//! What only `key import` reads; all else is prosectl's.

use proseal_proto::content::Label;
use proseal_proto::id::PgkId;
use proseal_proto::limit;
pub(crate) use prosectl::value::{generation, group, member};
use prosectl::value::{octets, seconds};

/// A PGK Id, 2 hexadecimal digits.
pub(crate) fn pgk_id(text: &str) -> Result<PgkId, String> {
    let [id] = octets(text)?;
    Ok(PgkId(id))
}

/// An operator label.
pub(crate) fn label(text: &str) -> Result<Label, String> {
    Label::new(text).map_err(|_| format!("at most {} octets", limit::LABEL))
}

/// Seconds since 1970 of an RFC 3339 time.
pub(crate) fn time(text: &str) -> Result<u64, String> {
    let time = humantime::parse_rfc3339_weak(text)
        .map_err(|_| "expected a time such as 2027-01-31T12:00:00Z".to_owned())?;
    seconds(time).ok_or_else(|| "before 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_rfc_3339() {
        assert_eq!(time("1970-01-02T00:00:00Z"), Ok(86_400));
        for wrong in ["tomorrow", "1969-12-31T23:59:59Z"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pgk_id_has_two_digits() {
        assert_eq!(pgk_id("0a"), Ok(PgkId(10)));
        for wrong in ["", "a", "0x0a", "0a0"] {
            assert!(pgk_id(wrong).is_err(), "{wrong}");
        }
    }
}
