//! `import`: a manager's package or notice takes effect.

mod outcome;
mod refusal;

use std::path::Path;

use proseal_client::Client;
use proseal_issuer::{Kind, ManagerId, Trust, VerifyKey};
use proseal_proto::message::{Import, Status, StatusReply};
use serde_json::Value;

use super::statement::receipt;
use crate::failure::Failure;
use crate::output::Report;
use crate::{enrolment, file};

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Package,
    Notice,
}

pub(super) fn run(client: &mut Client, path: &Path) -> Result<Report, Failure> {
    let octets = file::read(path, Kind::Package.max())?;
    let (text, object) = take(client, &file::name(path), &octets)?;
    Ok(Report::new(text, object))
}

/// Brings in what came from `name`: a text for people, an object for programs.
pub(super) fn take(
    client: &mut Client,
    name: &str,
    octets: &[u8],
) -> Result<(String, Value), Failure> {
    let thing = thing(name, octets)?;
    let reply = match client.call(&Import { octets }) {
        Ok(reply) => reply,
        // What the device says of itself makes the reason plainer; without it, it is the reason still.
        Err(error) => {
            let status = client.call(&Status).ok();
            return Err(refusal::explained(error, thing, octets, status.as_ref()));
        }
    };
    let statement = receipt(&reply.statement, octets)?;
    // It is done, whether or not more can be told of it.
    let status = client.call(&Status).ok();
    Ok(outcome::report(thing, octets, &reply, &statement, status.as_ref()))
}

/// What the octets say that they are. Whether it is so, only the TA judges.
fn thing(name: &str, octets: &[u8]) -> Result<Thing, Failure> {
    let wrong = |message, hint| Err(Failure::WrongFile { message, hint });
    let most = Kind::Package.max();
    if octets.len() > most {
        let message = format!("{name} has more than {most} octets, the most of any package");
        return wrong(message, ASK);
    }
    if octets.is_empty() {
        return wrong(format!("{name} is empty"), "get it again");
    }
    let kind = match Kind::of(octets) {
        Some(kind) => kind,
        None if enrolment::parse(octets).is_ok() => {
            let hint = "`prosectl enrol FILE` takes it; what is imported comes after that";
            return wrong(format!("{name} is an enrolment file"), hint);
        }
        None => {
            let message = format!("{name} is no package and no notice, or is damaged");
            return wrong(message, ASK);
        }
    };
    let (len, most) = (octets.len(), kind.max());
    if len > most {
        let message = format!("{name} is a {kind} of {len} octets, and the most is {most}");
        return wrong(message, ASK);
    }
    match kind {
        Kind::Package => Ok(Thing::Package),
        Kind::Notice => Ok(Thing::Notice),
        Kind::Statement => wrong(
            format!("{name} is a statement, which a device made"),
            "it is for the manager, who makes packages by it",
        ),
        Kind::Delegation => wrong(
            format!("{name} is a delegation, which says who signs for a manager"),
            "nothing has to be imported for that: each package and notice brings its own",
        ),
    }
}

const ASK: &str = "see that it is the right file; if it is, get it again from the manager";

/// What the device checks packages and notices by; `None` if it has no manager.
fn trust(status: &StatusReply) -> Option<Trust> {
    let root = VerifyKey::from_octets(&status.root_key).ok()?;
    Some(Trust { root, manager: ManagerId(status.manager), least_version: 0 })
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Package => "package",
            Self::Notice => "notice",
        })
    }
}
