//! Token files, which `prose-manager device invite` writes: all that a radio needs to enrol
//! over the network, once. Whoever has one can enrol a radio in its subscriber's name.

use std::io::Read;
use std::path::Path;

use proseal_issuer::{ManagerId, VerifyKey};
use zeroize::Zeroizing;

use super::lines::Lines;
use super::place::{Place, url};
use crate::enrolment::{Enrolment, NO_KEY};
use crate::failure::Failure;
use crate::file;
use crate::value::octets;

/// The most octets of the file.
const MOST: usize = 8 * 1024;
const NAMES: [&str; 8] =
    ["url", "authority", "root-key", "manager", "fingerprint", "subscriber", "token", "expires"];

/// What a token file says. The token in it is a secret: no Debug, no Clone.
pub(crate) struct TokenFile {
    pub(crate) place: Place,
    pub(crate) enrolment: Enrolment,
    pub(crate) subscriber: String,
    /// Base64url, as the manager gave it.
    pub(crate) token: Zeroizing<String>,
}

impl TokenFile {
    /// Reads a file; - is standard input.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::File {
            message: format!("cannot read {}: {error}", file::name(path)),
            hint: "name a file that this user may read, or - for standard input",
        };
        // Room for all of it: what moved as it grew would leave the token behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MOST.saturating_add(1)));
        let limit = u64::try_from(MOST).unwrap_or(u64::MAX);
        file::open(path).map_err(failed)?.take(limit).read_to_end(&mut text).map_err(failed)?;
        Self::parse(&text).map_err(|what| Failure::WrongFile {
            message: format!("{} is no token file: {what}", file::name(path)),
            hint: "`prose-manager device invite` writes one, for one radio",
        })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is no text".to_owned())?;
        let lines = Lines::parse(text, &NAMES)?;
        let root = VerifyKey::from_octets(&octets(lines.value("root-key")?)?);
        let root = root.map_err(|_| NO_KEY.to_owned())?;
        let manager = ManagerId(octets(lines.value("manager")?)?);
        if octets::<32>(lines.value("fingerprint")?)? != root.digest() {
            return Err("its fingerprint is not its root key's".to_owned());
        }
        Ok(Self {
            place: Place { url: url(lines.value("url")?)?, authority: lines.octets("authority")? },
            enrolment: Enrolment { root, manager },
            subscriber: lines.value("subscriber")?.to_owned(),
            token: Zeroizing::new(lines.value("token")?.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::hex;

    /// docs/package.md, Worked example.
    const ROOT: &str = "7776e870b93354f2a0b24c23f2a36cc4e80e223218c1b97926fdd018396a2b9b";

    fn file() -> String {
        let root = VerifyKey::from_octets(&octets(ROOT).unwrap()).unwrap();
        format!(
            "# a comment\nurl = https://manager:8443\nauthority = MIIB\nroot-key = {ROOT}\n\
             manager = c0c1c2c3c4c5c6c7c8c9cacbcccdcecf\nfingerprint = {}\nsubscriber = unit 7\n\
             token = abc\nexpires = 2026-12-01T00:00:00Z\n",
            hex(&root.digest()),
        )
    }

    #[test]
    fn a_file_has_all_that_is_needed() {
        let read = TokenFile::parse(file().as_bytes()).unwrap();
        assert_eq!(read.place.url, "https://manager:8443");
        assert_eq!(read.place.authority, [0x30, 0x82, 0x01]);
        assert_eq!((read.subscriber.as_str(), read.token.as_str()), ("unit 7", "abc"));
        assert_eq!(read.enrolment.root.to_string(), ROOT);
    }

    #[test]
    fn each_line_is_needed_and_looked_at() {
        let all = file();
        for line in
            all.lines().filter(|line| !line.starts_with(['#']) && !line.starts_with("expires"))
        {
            let without = all.replace(line, "");
            let name = line.split(" = ").next().unwrap();
            let error = TokenFile::parse(without.as_bytes()).err().unwrap();
            assert!(error.contains(&format!("no line `{name}")), "{name}: {error}");
        }
        for (from, to, told) in [
            ("https", "http", "no manager's URL"),
            ("fingerprint = ", "fingerprint = 00", "64 hexadecimal digits"),
            ("root-key = 77", "root-key = 78", ""),
            ("token", "secret", "none of"),
        ] {
            let error = TokenFile::parse(all.replace(from, to).as_bytes()).err().unwrap();
            assert!(error.contains(told), "{from}: {error}");
        }
    }
}
