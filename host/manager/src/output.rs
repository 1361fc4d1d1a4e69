//! What a command has to say, as text for people or one JSON object. Nothing in it
//! is secret.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// The outcome of a command that was carried out.
#[derive(Debug)]
pub struct Report {
    text: String,
    object: Value,
}

impl Report {
    /// `text` for people, the members of `object` for programs.
    pub(crate) fn new(text: impl Into<String>, object: Value) -> Self {
        let members = match object {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let ok = ("ok".to_owned(), Value::Bool(true));
        let object = Value::Object([ok].into_iter().chain(members).collect());
        Self { text: text.into(), object }
    }

    /// The same with one more member.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        if let Value::Object(members) = &mut self.object {
            members.insert(name.to_owned(), value);
        }
        self
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For programs.
    #[must_use]
    pub const fn object(&self) -> &Value {
        &self.object
    }
}

/// Prints the outcome: what was asked for to standard output, errors as text to
/// standard error.
pub fn print(result: &Result<Report, Failure>, as_json: bool) -> io::Result<()> {
    match (result, as_json) {
        (Ok(report), false) => io::stdout().write_all(report.text.as_bytes()),
        (Ok(report), true) => writeln!(io::stdout(), "{}", report.object),
        (Err(failure), false) => {
            writeln!(io::stderr(), "prose-manager: {failure}\nhint: {}", failure.hint())
        }
        (Err(failure), true) => {
            let object = json!({
                "ok": false,
                "name": failure.name(),
                "message": failure.to_string(),
                "hint": failure.hint(),
            });
            writeln!(io::stdout(), "{object}")
        }
    }
}
