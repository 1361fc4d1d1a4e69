//! `join`, `update` and `bundle`: what the manager has for this device, over the network.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_client::Client;
use proseal_issuer::Kind;
use proseal_proto::id::GroupId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::import;
use crate::failure::Failure;
use crate::manager::{ManagerError, Place, Session, Tell};
use crate::output::Report;

/// How long the manager is asked to wait in one request.
const WAIT: Duration = Duration::from_secs(50);

#[derive(Deserialize)]
struct JoinReply {
    group: String,
    name: Option<String>,
    member: String,
    may_send: bool,
    package: PackageReply,
}

#[derive(Deserialize)]
struct PackageReply {
    package: String,
}

#[derive(Deserialize)]
struct UpdatesReply {
    standing: String,
    package: Option<PackageReply>,
}

#[derive(Deserialize)]
struct BundleReply {
    notice: Option<String>,
    packages: Vec<BundleEntry>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct BundleEntry {
    member: String,
    package: PackageReply,
}

/// Joins a group, and brings in the package for it.
pub(super) fn join(
    client: &mut Client,
    place: &Place,
    tell: Tell<'_>,
    group: GroupId,
) -> Result<Report, Failure> {
    let mut session = Session::new(client, place, tell);
    tell(&format!("asking the manager at {} to let this device into group {group}", place.url));
    let reply: JoinReply = session.ask(&format!("/v1/groups/{group}/join"), &json!({}))?;
    let (mut text, taken) = bring_in(&mut session, &reply.package)?;
    let name = reply.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
    let may = if reply.may_send { "sends and receives" } else { "receives only" };
    text.insert_str(
        0,
        &format!("joined: group {}{name}, as member {}, which {may}\n", reply.group, reply.member),
    );
    let object = json!({
        "group": reply.group,
        "name": reply.name,
        "member": reply.member,
        "may_send": reply.may_send,
        "package": taken,
    });
    Ok(Report::new(text, object))
}

/// Asks for what is new, and waits for it up to `patience`.
pub(super) fn update(
    client: &mut Client,
    place: &Place,
    tell: Tell<'_>,
    patience: Duration,
) -> Result<Report, Failure> {
    let mut session = Session::new(client, place, tell);
    let start = Instant::now();
    tell(&format!("asking the manager at {} for what is new", place.url));
    loop {
        let wait = patience.saturating_sub(start.elapsed()).min(WAIT);
        let body = json!({ "wait_s": wait.as_secs() });
        let reply: Option<UpdatesReply> = session.ask_and_wait("/v1/updates", &body, wait)?;
        let Some(reply) = reply else {
            if start.elapsed() < patience {
                continue;
            }
            let text = "nothing new: this device has what the manager has for it\n".to_owned();
            return Ok(Report::new(text, json!({ "is_new": false })));
        };
        let standing = format!("the manager has this device as {}\n", reply.standing);
        let Some(package) = reply.package else {
            return Ok(Report::new(
                standing,
                json!({ "is_new": true, "standing": reply.standing }),
            ));
        };
        let (text, taken) = bring_in(&mut session, &package)?;
        let object = json!({ "is_new": true, "standing": reply.standing, "package": taken });
        return Ok(Report::new(text, object));
    }
}

/// Imports a package, and tells the manager what came of it.
fn bring_in(session: &mut Session<'_>, reply: &PackageReply) -> Result<(String, Value), Failure> {
    (session.tell)("importing the package");
    let package = octets(&reply.package)?;
    let (mut text, mut object) = import::take(session.client, "the manager's answer", &package)?;
    // What is done is done, whether or not the manager hears of it.
    let heard = session.ask::<Value>("/v1/receipt", &json!({}));
    object["receipt"] = json!(heard.is_ok());
    match heard {
        Ok(_) => text.push_str("The manager has this device's statement of it.\n"),
        Err(error) => {
            text.push_str(&format!(
                "The manager does not know of it yet ({error}): `prosectl update` tells it.\n"
            ));
        }
    }
    Ok((text, object))
}

/// Fetches what this device can carry to the others of a group.
pub(super) fn bundle(
    client: &mut Client,
    place: &Place,
    tell: Tell<'_>,
    group: GroupId,
    folder: &Path,
) -> Result<Report, Failure> {
    let failed = |error: io::Error| Failure::File {
        message: format!("cannot write to {}: {error}", folder.display()),
        hint: "name a folder that is not there yet, on a disk with room",
    };
    fs::create_dir(folder).map_err(failed)?;
    let mut session = Session::new(client, place, tell);
    let (mut after, mut packages, mut has_notice) = (None::<String>, 0_usize, false);
    loop {
        tell(&format!("fetching the bundle of group {group}: {packages} packages"));
        let body = after.as_ref().map_or_else(|| json!({}), |after| json!({ "after": after }));
        let reply: BundleReply = session.ask(&format!("/v1/groups/{group}/bundle"), &body)?;
        if let Some(notice) = &reply.notice {
            fs::write(folder.join("notice"), octets(notice)?).map_err(failed)?;
            has_notice = true;
        }
        for entry in &reply.packages {
            let member = crate::value::member(&entry.member).map_err(ManagerError::Malformed)?;
            let path = folder.join(format!("{member}.package"));
            fs::write(path, octets(&entry.package.package)?).map_err(failed)?;
            packages = packages.saturating_add(1);
        }
        // It only grows: a server that goes in circles does not hold this program.
        let is_further = reply.next.is_some() && reply.next > after;
        after = reply.next;
        if !is_further {
            break;
        }
    }
    let notice = if has_notice { "the notice and " } else { "" };
    let text = format!(
        "bundle of group {group}: {notice}{packages} packages in {}\n\
         Next: `prosectl traffic carry {group} {}` here, or at each radio `prosectl import` of the notice, \
         if there is one, and of its member's package.\n",
        folder.display(),
        folder.display(),
    );
    let object = json!({
        "group": group.to_string(),
        "folder": folder.display().to_string(),
        "notice": has_notice,
        "packages": packages,
    });
    Ok(Report::new(text, object))
}

fn octets(text: &str) -> Result<Vec<u8>, ManagerError> {
    let wrong = || ManagerError::Malformed("it has octets that are no base64url".to_owned());
    let octets = Base64UrlUnpadded::decode_vec(text).map_err(|_| wrong())?;
    if octets.len() > Kind::Package.max() { Err(wrong()) } else { Ok(octets) }
}
