//! What a command has to say, as text for people or one JSON object.

use std::io::{self, ErrorKind, Write};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The outcome of a command that was carried out.
pub(crate) struct Report {
    /// May hold derived keys (`--show-keys`).
    text: Zeroizing<String>,
    object: Map<String, Value>,
    exit_code: u8,
}

impl Report {
    /// `text` for people, the members of `object` for programs.
    pub(crate) fn new(text: String, object: Value) -> Self {
        let object = match object {
            Value::Object(object) => object,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { text: Zeroizing::new(text), object, exit_code: 0 }
    }

    /// The same, from a command that found something wrong.
    pub(crate) fn failed(text: String, object: Value) -> Self {
        Self { exit_code: 1, ..Self::new(text, object) }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// Prints the outcome: what was asked for to standard output, errors as text
/// to standard error. Who closed the pipe has seen enough.
pub(crate) fn print(result: Result<Report, Failure>, as_json: bool) -> io::Result<()> {
    let printed = match (&result, as_json) {
        (Ok(report), false) => write!(io::stdout(), "{}", *report.text),
        (Ok(report), true) => {
            let ok = ("ok".to_owned(), Value::Bool(report.exit_code == 0));
            let object: Map<_, _> = [ok].into_iter().chain(report.object.clone()).collect();
            writeln!(io::stdout(), "{}", Value::Object(object))
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
    };
    match printed {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
