//! Enrolment files (docs/package.md): which manager a device is to belong to.

use std::fmt::Write;
use std::path::Path;

use proseal_issuer::{Kind, ManagerId, VerifyKey};

use crate::failure::Failure;
use crate::value::{grouped, octets};
use crate::{args, file};

/// The most octets of the file: its two lines, and room for comments.
const MOST: usize = 1024;
const HINT: &str =
    "bring the manager's enrolment file (docs/package.md), or say --root-key and --manager-id";

/// A manager, as a device pins it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enrolment {
    pub(crate) root: VerifyKey,
    pub(crate) manager: ManagerId,
}

impl Enrolment {
    /// From the file or the arguments.
    pub(crate) fn new(enrol: &args::Enrol) -> Result<Self, Failure> {
        if let (Some(root_key), Some(manager)) = (&enrol.root_key, enrol.manager_id) {
            let root = VerifyKey::from_octets(root_key);
            let root = root.map_err(|_| Failure::Usage(format!("--root-key: {NO_KEY}")))?;
            return Ok(Self { root, manager: ManagerId(manager) });
        }
        let path = enrol.file.as_deref();
        let path = path.ok_or_else(|| Failure::Usage("an enrolment file is missing".to_owned()))?;
        Self::read(path)
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let octets = file::read(path, Kind::Package.max())?;
        let wrong = |what: String| Failure::WrongFile {
            message: format!("{} is no enrolment file: {what}", file::name(path)),
            hint: HINT,
        };
        if let Some(kind) = Kind::of(&octets) {
            return Err(match kind {
                Kind::Package | Kind::Notice => Failure::WrongFile {
                    message: format!("{} is a {kind}, no enrolment file", file::name(path)),
                    hint: "once the device is enrolled, `prosectl import FILE` brings it in",
                },
                Kind::Delegation | Kind::Statement => wrong(format!("it is a {kind}")),
            });
        }
        parse(&octets).map_err(wrong)
    }

    /// The root key's fingerprint, in groups for people.
    pub(crate) fn fingerprint(&self) -> String {
        grouped(&self.root.digest())
    }
}

pub(crate) const NO_KEY: &str =
    "the root key is no valid public key: a digit is wrong, or it is another key";

/// The file's two entries, in any order. Comments begin with `#`.
pub(crate) fn parse(octets: &[u8]) -> Result<Enrolment, String> {
    if octets.len() > MOST {
        return Err(format!("it has more than {MOST} octets"));
    }
    let text = std::str::from_utf8(octets).map_err(|_| "it is no text".to_owned())?;
    let (mut root_key, mut manager) = (None, None);
    for (number, line) in (1..).zip(text.lines()) {
        entry(line, &mut root_key, &mut manager)
            .map_err(|what| format!("line {number}: {what}"))?;
    }
    let root_key = root_key.ok_or("it has no line `root-key = ...`")?;
    let manager = manager.ok_or("it has no line `manager = ...`")?;
    let root = VerifyKey::from_octets(&root_key).map_err(|_| NO_KEY.to_owned())?;
    Ok(Enrolment { root, manager: ManagerId(manager) })
}

fn entry(
    line: &str,
    root_key: &mut Option<[u8; 32]>,
    manager: &mut Option<[u8; 16]>,
) -> Result<(), String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let (name, value) = line.split_once('=').ok_or("expected NAME = VALUE")?;
    let (name, value) = (name.trim(), value.trim());
    let is_first = match name {
        "root-key" => root_key.replace(octets(value)?).is_none(),
        "manager" => manager.replace(octets(value)?).is_none(),
        _ => return Err("expected root-key or manager".to_owned()),
    };
    if is_first { Ok(()) } else { Err(format!("{name} stands there twice")) }
}

/// The question before a device is enrolled.
pub(crate) fn question(enrolment: &Enrolment) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(text, "This device will belong to manager {}", enrolment.manager);
    let _ = writeln!(text, "until it is erased. Fingerprint of the manager's root key:");
    let _ = writeln!(text, "  {}", enrolment.fingerprint());
    let _ = write!(text, "Is it the one that the manager's operator has told you?");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/package.md, Worked example.
    const ROOT: &str = "7776e870b93354f2a0b24c23f2a36cc4e80e223218c1b97926fdd018396a2b9b";
    const MANAGER: &str = "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf";

    fn parsed(text: &str) -> Result<Enrolment, String> {
        parse(text.as_bytes())
    }

    #[test]
    fn a_file_is_two_entries_and_comments() {
        let expected = Enrolment {
            root: VerifyKey::from_octets(&octets(ROOT).unwrap()).unwrap(),
            manager: ManagerId(octets(MANAGER).unwrap()),
        };
        for text in [
            format!("root-key = {ROOT}\nmanager = {MANAGER}\n"),
            format!("# County 7\r\n\r\nmanager={}\r\n  root-key =  {ROOT}", MANAGER.to_uppercase()),
        ] {
            assert_eq!(parsed(&text).as_ref(), Ok(&expected), "{text}");
        }
        assert!(expected.fingerprint().split(' ').all(|group| group.len() == 4));
        assert!(question(&expected).contains(&expected.fingerprint()));
    }

    #[test]
    fn the_document_has_a_good_one() {
        let document = include_str!("../../../docs/package.md");
        let (_, after) = document.split_once("## Enrolment file").unwrap();
        let example = after.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
        let enrolment = parsed(example).unwrap();
        assert_eq!(
            (enrolment.root.to_string().as_str(), after.contains(&enrolment.fingerprint())),
            (ROOT, true)
        );
    }

    #[test]
    fn what_is_none_is_told_with_its_line() {
        let key = format!("root-key = {ROOT}\n");
        let manager = format!("manager = {MANAGER}\n");
        for (text, told) in [
            (String::new(), "it has no line `root-key"),
            (key.clone(), "it has no line `manager"),
            (format!("{key}{key}{manager}"), "line 2: root-key stands there twice"),
            (format!("{key}{manager}x = 1"), "line 3: expected root-key or manager"),
            (format!("{key}manager {MANAGER}"), "line 2: expected NAME = VALUE"),
            (format!("{key}manager = {ROOT}"), "line 2: expected 32 hexadecimal digits"),
            (format!("root-key = 02{}\n{manager}", "00".repeat(31)), "no valid public key"),
            (format!("root-key = {}\n{manager}", "00".repeat(32)), "no valid public key"),
            ("#".repeat(MOST + 1), "more than 1024 octets"),
        ] {
            let error = parsed(&text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert_eq!(parse(&[0xff]), Err("it is no text".to_owned()));
    }
}
