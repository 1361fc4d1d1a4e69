//! Why an import was refused, with what this device and the file say.

use proseal_client::Error;
use proseal_issuer::{Error as Unverified, Notice, Package, Trust};
use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, StatusReply};

use super::{Thing, trust};
use crate::failure::Failure;
use crate::value::{hex, rfc3339};

/// The refusal in plain words where more is known than its code.
pub(super) fn explained(
    error: Error,
    thing: Thing,
    octets: &[u8],
    status: Option<&StatusReply>,
) -> Failure {
    let (Error::Refused(code), Some(status)) = (&error, status) else { return error.into() };
    let code = *code;
    match told(code, thing, octets, status) {
        Some((message, hint)) => {
            Failure::Refused { code, message, hint: hint.unwrap_or_else(|| error.hint()) }
        }
        None => error.into(),
    }
}

/// A message, and a hint unless the code's own will do.
fn told(
    code: Code,
    thing: Thing,
    octets: &[u8],
    status: &StatusReply,
) -> Option<(String, Option<&'static str>)> {
    match code {
        Code::WrongState if status.state == DeviceState::Factory => Some((
            "this device belongs to no manager yet".to_owned(),
            Some("enrol it first: `prosectl enrol FILE`, with the manager's enrolment file"),
        )),
        Code::WrongState => Some((
            "this device is in use without a manager".to_owned(),
            Some("erase it (`prosectl erase`), then enrol it: `prosectl enrol FILE`"),
        )),
        Code::WrongDevice => {
            let package = Package::verify(octets, &trust(status)?).ok()?;
            let (other, this) = (hex(&package.device().0), hex(&status.device.0));
            Some((format!("the package is for device {other}, and this one is {this}"), None))
        }
        Code::WrongManager => {
            let found = maker(thing, octets, &trust(status)?)?;
            let own = hex(&status.manager);
            Some((
                format!("the {thing} is of manager {found}, and this device belongs to {own}"),
                None,
            ))
        }
        Code::TimeOutOfRange => {
            let now = rfc3339(status.floor)?;
            Some((format!("its time is more than ten years ahead of the device's, {now}"), None))
        }
        Code::SequenceConflict => {
            let sequence = status.sequence;
            Some((format!("another package with sequence {sequence} was applied before"), None))
        }
        _ => None,
    }
}

/// The manager of what another one made.
fn maker(thing: Thing, octets: &[u8], trust: &Trust) -> Option<String> {
    let error = match thing {
        Thing::Package => Package::verify(octets, trust).err(),
        Thing::Notice => Notice::verify(octets, trust).err(),
    };
    match error {
        Some(Unverified::WrongManager { found }) => Some(found.to_string()),
        _ => None,
    }
}
