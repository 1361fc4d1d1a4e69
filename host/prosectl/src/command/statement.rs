//! `identity export` and `statement export`: what the device signs of itself,
//! checked before it is handed out.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use proseal_client::Client;
use proseal_issuer::Statement;
use proseal_proto::message::GetStatement;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::status::{dotted, time};
use crate::args::Destination;
use crate::failure::Failure;
use crate::file;
use crate::output::Report;
use crate::value::{hex, rfc3339};

/// What a digest is of that there is nothing of.
const NOTHING: [u8; 32] = [0; 32];

/// What of this program's surroundings decides how octets leave it.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// Standard output has one JSON object.
    pub(crate) json: bool,
    /// Standard output is a terminal.
    pub(crate) is_terminal: bool,
}

pub(super) fn identity(
    client: &mut Client,
    destination: &Destination,
    output: Output,
) -> Result<Report, Failure> {
    let place = Place::new(destination, output)?;
    let (octets, statement) = fresh(client)?;
    let keys = &statement.device;
    let (x25519, ed25519) = (hex(keys.x25519()), hex(keys.ed25519()));
    let mut text = "identity of this device\n".to_owned();
    // Writing to a String does not fail.
    let _ = writeln!(text, "  device id: {}", hex(&keys.id().0));
    let _ = writeln!(text, "  x25519 key: {x25519}");
    let _ = writeln!(text, "  ed25519 key: {ed25519}");
    let _ = writeln!(text, "  state: {}", statement.state.name());
    let _ = writeln!(text, "{}", place.told(octets.len()));
    text.push_str(
        "Compare the device id with the one that the device's secure console has shown\n\
         (\"the identity of this device is ...\") before a manager approves it.\n",
    );
    let object = json!({
        "device": hex(&keys.id().0),
        "x25519": x25519,
        "ed25519": ed25519,
        "state": statement.state.name(),
        "file": place.file(),
        "statement": hex(&octets),
    });
    place.deliver(octets, text, object, output)
}

pub(super) fn export(
    client: &mut Client,
    nonce: Option<[u8; 32]>,
    destination: &Destination,
    output: Output,
) -> Result<Report, Failure> {
    let place = Place::new(destination, output)?;
    let nonce = nonce.map_or_else(random_nonce, Ok)?;
    let (octets, statement) = ask(client, nonce)?;
    let text = format!("{}{}\n", text(&statement), place.told(octets.len()));
    let mut object = object(&statement);
    object["file"] = json!(place.file());
    object["statement"] = json!(hex(&octets));
    place.deliver(octets, text, object, output)
}

/// The device's statement over a nonce that nobody else has. The first one makes its identity.
pub(super) fn fresh(client: &mut Client) -> Result<(Vec<u8>, Statement), Failure> {
    ask(client, random_nonce()?)
}

/// The device's statement over `nonce`, checked: as it travels, and what it says.
fn ask(client: &mut Client, nonce: [u8; 32]) -> Result<(Vec<u8>, Statement), Failure> {
    let octets = client.call(&GetStatement { nonce })?.statement;
    let statement = checked(&octets, &nonce)?;
    Ok((octets, statement))
}

/// The statement that answers a request, which is its receipt.
pub(super) fn receipt(octets: &[u8], request: &[u8]) -> Result<Statement, Failure> {
    checked(octets, &Sha256::digest(request).into())
}

fn checked(octets: &[u8], nonce: &[u8; 32]) -> Result<Statement, Failure> {
    Statement::verify_answer(octets, nonce).map_err(|error| Failure::Statement(error.to_string()))
}

fn random_nonce() -> Result<[u8; 32], Failure> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| Failure::Random(error.to_string()))?;
    Ok(nonce)
}

fn digest(octets: &[u8; 32]) -> Option<String> {
    (*octets != NOTHING).then(|| hex(octets))
}

fn text(statement: &Statement) -> String {
    let mut text = "statement of this device\n".to_owned();
    let or_none = |octets| digest(octets).unwrap_or_else(|| "none".to_owned());
    let floor = match statement.floor {
        0 => "unknown".to_owned(),
        floor => rfc3339(floor).unwrap_or_else(|| "beyond the year 9999".to_owned()),
    };
    let _ = writeln!(text, "  device id: {}", hex(&statement.device.id().0));
    let _ = writeln!(text, "  state: {}", statement.state.name());
    let _ = writeln!(text, "  trusted application: {}", dotted(statement.ta_version));
    let _ = writeln!(text, "  time is at least: {floor}");
    let _ = writeln!(text, "  sequence: {}", statement.sequence);
    let _ = writeln!(text, "  nonce: {}", hex(&statement.nonce));
    let _ = writeln!(text, "  start nonce: {}", hex(&statement.start_nonce));
    let _ = writeln!(text, "  digest of the last package: {}", or_none(&statement.package_digest));
    let _ = writeln!(text, "  digest of what is held: {}", hex(&statement.held_digest));
    let _ = writeln!(text, "  digest of the root key: {}", or_none(&statement.root_digest));
    text
}

fn object(statement: &Statement) -> Value {
    json!({
        "device": hex(&statement.device.id().0),
        "x25519": hex(statement.device.x25519()),
        "ed25519": hex(statement.device.ed25519()),
        "state": statement.state.name(),
        "ta_version": dotted(statement.ta_version),
        "nonce": hex(&statement.nonce),
        "start_nonce": hex(&statement.start_nonce),
        "floor": if statement.floor == 0 { Value::Null } else { time(statement.floor) },
        "sequence": statement.sequence,
        "package_digest": digest(&statement.package_digest),
        "held_digest": hex(&statement.held_digest),
        "root_digest": digest(&statement.root_digest),
    })
}

/// Where the octets go.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    StandardOutput,
    /// Only into the JSON object.
    Object,
    /// Only to the screen.
    Qr,
    FileAndQr(PathBuf),
}

impl Place {
    /// Octets and text never share standard output, and no terminal gets octets.
    fn new(Destination { out, qr }: &Destination, output: Output) -> Result<Self, Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
        let is_standard = out.as_deref() == Some(Path::new(file::STANDARD));
        match (out, qr) {
            (_, true) if output.json => usage("--qr is for people, --json for programs: say one"),
            (_, true) if is_standard => usage("the QR code goes to standard output: name a file"),
            (Some(path), true) => Ok(Self::FileAndQr(path.clone())),
            (None, true) => Ok(Self::Qr),
            (Some(_), false) if is_standard && output.json => {
                usage("the JSON object goes to standard output, with the statement in it")
            }
            (Some(path), false) if !is_standard => Ok(Self::File(path.clone())),
            (None, false) if output.json => Ok(Self::Object),
            (_, false) if output.is_terminal => usage(
                "a statement is binary, and standard output is a terminal: say --out FILE, pipe it on, or say --qr",
            ),
            (_, false) => Ok(Self::StandardOutput),
        }
    }

    fn file(&self) -> Option<String> {
        match self {
            Self::File(path) | Self::FileAndQr(path) => Some(path.display().to_string()),
            Self::StandardOutput | Self::Object | Self::Qr => None,
        }
    }

    fn told(&self, len: usize) -> String {
        match (self, self.file()) {
            (_, Some(file)) => format!("  statement: {len} octets, in {file}"),
            (Self::Qr, None) => format!("  statement: {len} octets, in the QR code (binary mode)"),
            (_, None) => format!("  statement: {len} octets, on standard output"),
        }
    }

    fn deliver(
        self,
        octets: Vec<u8>,
        text: String,
        object: Value,
        output: Output,
    ) -> Result<Report, Failure> {
        match &self {
            Self::File(path) | Self::FileAndQr(path) => file::write(path, &octets)?,
            Self::StandardOutput | Self::Object | Self::Qr => {}
        }
        Ok(match self {
            Self::StandardOutput => Report::new(text, object).with_octets(octets),
            Self::File(_) | Self::Object => Report::new(text, object),
            Self::Qr | Self::FileAndQr(_) => {
                Report::new(proseal_qr::text(&octets, output.is_terminal)? + &text, object)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(out: Option<&str>, qr: bool, json: bool, is_terminal: bool) -> Result<Place, String> {
        let destination = Destination { out: out.map(PathBuf::from), qr };
        Place::new(&destination, Output { json, is_terminal }).map_err(|failure| {
            assert_eq!((failure.name(), failure.exit_code()), ("usage", 2));
            failure.to_string()
        })
    }

    #[test]
    fn octets_go_where_nothing_else_goes() {
        let to_file = || Ok(Place::File("file".into()));
        for is_terminal in [false, true] {
            for json in [false, true] {
                assert_eq!(place(Some("file"), false, json, is_terminal), to_file());
            }
            assert_eq!(place(None, false, true, is_terminal), Ok(Place::Object));
            assert_eq!(place(None, true, false, is_terminal), Ok(Place::Qr));
            let both = place(Some("file"), true, false, is_terminal);
            assert_eq!(both, Ok(Place::FileAndQr("file".into())));
            for (out, qr, json) in
                [(None, true, true), (Some("-"), true, false), (Some("-"), false, true)]
            {
                assert!(place(out, qr, json, is_terminal).is_err(), "{out:?} {qr} {json}");
            }
        }
        for out in [None, Some("-")] {
            assert_eq!(place(out, false, false, false), Ok(Place::StandardOutput));
            let refused = place(out, false, false, true).unwrap_err();
            assert!(refused.contains("standard output is a terminal: say --out FILE"), "{refused}");
        }
    }
}
