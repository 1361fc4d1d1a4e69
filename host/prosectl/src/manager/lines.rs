//! Files of lines `NAME = VALUE`, with comments behind `#`.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};

/// The entries of such a file.
#[derive(Debug)]
pub(super) struct Lines<'t>(BTreeMap<&'t str, &'t str>);

impl<'t> Lines<'t> {
    /// Reads a text whose names are all among `known`, each once at most.
    pub(super) fn parse(text: &'t str, known: &[&str]) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("line {number}: {what}");
            let (name, value) =
                line.split_once('=').ok_or_else(|| wrong("expected NAME = VALUE"))?;
            let (name, value) = (name.trim_end(), value.trim_start());
            if !known.contains(&name) {
                return Err(wrong(&format!("{name:?} is none of {}", known.join(", "))));
            }
            if entries.insert(name, value).is_some() {
                return Err(wrong(&format!("{name} stands there twice")));
            }
        }
        Ok(Self(entries))
    }

    /// The value of a name.
    pub(super) fn value(&self, name: &str) -> Result<&'t str, String> {
        self.0.get(name).copied().ok_or_else(|| format!("it has no line `{name} = ...`"))
    }

    /// The value of a name, of base64url without padding.
    pub(super) fn octets(&self, name: &str) -> Result<Vec<u8>, String> {
        Base64UrlUnpadded::decode_vec(self.value(name)?)
            .map_err(|_| format!("{name} is no base64url (RFC 4648 section 5, without padding)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 2] = ["one", "two"];

    #[test]
    fn a_value_is_what_stands_behind_the_first_sign() {
        let lines = Lines::parse("# x\n\n one=1 \r\ntwo = a=b\n", &KNOWN).unwrap();
        assert_eq!((lines.value("one"), lines.value("two")), (Ok("1"), Ok("a=b")));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, told) in [
            ("one", "line 1: expected NAME = VALUE"),
            ("one = 1\none = 2", "line 2: one stands there twice"),
            ("\nthree = 3", "line 2: \"three\" is none of one, two"),
        ] {
            assert_eq!(Lines::parse(text, &KNOWN).unwrap_err(), told);
        }
        let lines = Lines::parse("one = +/", &KNOWN).unwrap();
        assert!(lines.octets("one").unwrap_err().starts_with("one is no base64url"));
        assert_eq!(lines.value("two").unwrap_err(), "it has no line `two = ...`");
    }
}
