//! What a command has to say, as text for people or one JSON object.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

use crate::failure::{Failure, Warning};

/// Room for a text or an object with keys in it, those of 64 epochs at most,
/// octets: what moved as it grew would leave keys behind.
pub(crate) const ROOM: usize = 64 * 1024;

/// The outcome of a command that was carried out. It may hold derived keys
/// (`--show-keys`), and wipes itself.
pub struct Report {
    text: Zeroizing<String>,
    object: Value,
    /// What goes to standard output instead of the text, if it is to.
    octets: Option<Vec<u8>>,
    exit_code: u8,
}

impl Drop for Report {
    fn drop(&mut self) {
        wipe(&mut self.object);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Report {
    /// `text` for people, the members of `object` for programs.
    #[must_use]
    pub fn new(text: String, object: Value) -> Self {
        Self::ended(0, text, object)
    }

    /// The same, of a command that found something wrong, which `exit_code`
    /// says.
    pub(crate) fn ended(exit_code: u8, text: String, object: Value) -> Self {
        let text = Zeroizing::new(text);
        let members = match object {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let ok = ("ok".to_owned(), Value::Bool(exit_code == 0));
        let object = Value::Object([ok].into_iter().chain(members).collect());
        Self { text, object, octets: None, exit_code }
    }

    /// Unless it is printed as JSON, these octets go to standard output, and the
    /// text to standard error.
    pub(crate) fn with_octets(mut self, octets: Vec<u8>) -> Self {
        self.octets = Some(octets);
        self
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(crate) const fn object(&self) -> &Value {
        &self.object
    }

    #[cfg(test)]
    pub(crate) fn octets(&self) -> Option<&[u8]> {
        self.octets.as_deref()
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// Prints the outcome: what was asked for to standard output, errors as text
/// to standard error.
pub(crate) fn print(result: Result<Report, Failure>, as_json: bool) -> io::Result<()> {
    match (&result, as_json) {
        (Ok(Report { octets: Some(octets), text, .. }), false) => {
            write_stdout(octets)?;
            io::stderr().write_all(text.as_bytes())
        }
        (Ok(report), false) => write_stdout(report.text.as_bytes()),
        (Ok(report), true) => {
            let mut line = Zeroizing::new(Vec::with_capacity(ROOM));
            serde_json::to_writer(&mut *line, &report.object)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(line))
                .and_then(|()| write_stdout(&line))
        }
        (Err(failure), false) => {
            writeln!(io::stderr(), "prosectl: {failure}\nhint: {}", failure.hint())
        }
        (Err(failure), true) => {
            let object = json!({
                "ok": false,
                "code": failure.number(),
                "name": failure.name(),
                "message": failure.to_string(),
                "hint": failure.hint(),
            });
            writeln!(io::stdout(), "{object}")
        }
    }
}

/// To standard error, also beside JSON.
pub(crate) fn warn(warning: &Warning) {
    // Who does not hear it gets what was asked for all the same.
    let _ = writeln!(io::stderr(), "prosectl: warning: {warning}\nhint: {}", warning.hint());
}

/// Past std's own buffer, in which keys would stay.
fn write_stdout(octets: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_report_held_is_wiped() {
        let mut object = json!({ "ik": "00ff", "list": ["a", { "ck": "11" }], "n": 1 });
        wipe(&mut object);
        assert_eq!(object, json!({ "ik": "", "list": ["", { "ck": "" }], "n": 1 }));
    }

    #[test]
    fn a_report_says_first_whether_all_is_well() {
        let report = Report::ended(4, String::new(), json!({ "name": "unwell" }));
        assert_eq!(report.object.to_string(), r#"{"ok":false,"name":"unwell"}"#);
        assert_eq!(report.exit_code(), 4);
    }
}
