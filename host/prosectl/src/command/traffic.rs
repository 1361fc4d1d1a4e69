//! `traffic`: what the ProSe daemon does, and what it is told.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use proseal_issuer::Kind;
use proseal_proto::id::GroupId;
use serde_json::{Value, json};

use crate::args::{Traffic, TrafficCommand};
use crate::failure::Failure;
use crate::file;
use crate::output::Report;
use crate::traffic::Daemon;

pub(super) fn run(traffic: &Traffic, limit: Duration) -> Result<Report, Failure> {
    let connect = || Daemon::connect(&traffic.socket, limit);
    match &traffic.command {
        TrafficCommand::Status { .. } => {
            let status = connect()?.call("Status", json!({}))?;
            Ok(Report::new(text(&status), status))
        }
        TrafficCommand::Refresh { group } => {
            let group = group.to_string();
            connect()?.call("Refresh", json!({ "group": group }))?;
            let text = format!("group {group}: the next frame begins a new epoch\n");
            Ok(Report::new(text, json!({ "group": group })))
        }
        TrafficCommand::Carry { group, path } => {
            let objects = objects(path)?;
            carry(&mut connect()?, *group, &objects)
        }
    }
}

/// A number of the daemon's; 0 where there is none.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// Status for people: groups, then what became of frames. What never happened is left out.
fn text(status: &Value) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    for group in status["groups"].as_array().into_iter().flatten() {
        let word = |name: &str| group[name].as_str().unwrap_or("?");
        let _ = writeln!(out, "group: {}\n  member: {}", word("group"), word("member"));
        let generations = group["generations"].as_array().into_iter().flatten();
        let generations: Vec<_> = generations.map(|one| number(one).to_string()).collect();
        let sending = &group["sending"];
        let _ = if group["suspended"] == true {
            writeln!(out, "  warning: suspended, nothing is sent or received")
        } else if generations.is_empty() {
            writeln!(out, "  warning: no key, nothing is sent or received")
        } else {
            writeln!(out, "  receiving: generation {}", generations.join(", "))
        };
        let _ = if sending.is_object() {
            writeln!(
                out,
                "  sending: generation {}, PTK Id {}, SN {}",
                number(&sending["generation"]),
                sending["ptk_id"].as_str().unwrap_or("?"),
                number(&sending["sn"]),
            )
        } else {
            writeln!(out, "  sending: no")
        };
        out.push('\n');
    }
    let counters = &status["counters"];
    let line = |out: &mut String, indent: &str, name: &str, count: u64| {
        let _ = writeln!(out, "{indent}{}: {count}", name.replace('_', " "));
    };
    for name in ["sent", "received"] {
        line(&mut out, "", name, number(&counters[name]));
    }
    for name in ["delivered", "objects", "waiting"] {
        line(&mut out, "  ", name, number(&counters[name]));
    }
    let drops = counters["drops"].as_object().into_iter().flatten();
    let drops: Vec<_> = drops.map(|(reason, count)| (reason, number(count))).collect();
    line(&mut out, "  ", "dropped", drops.iter().map(|(_, count)| count).sum());
    for (reason, count) in drops.iter().filter(|(_, count)| *count > 0) {
        line(&mut out, "    ", reason, *count);
    }
    let lost = ["unsent", "send_failed", "kernel_drops", "subscriber_drops"];
    for name in lost.iter().filter(|name| number(&counters[**name]) > 0) {
        line(&mut out, "", name, number(&counters[*name]));
    }
    for name in ["objects_sent", "tee_calls"] {
        line(&mut out, "", name, number(&counters[name]));
    }
    let carried = number(&status["carried"]);
    if carried > 0 {
        let _ = writeln!(out, "packages carried for others: {carried}");
    }
    out
}

/// An object with the name of its file.
type Named = (String, Vec<u8>);

/// What is to be carried: a file, or what of a folder is a notice or a package, notices first.
fn objects(path: &Path) -> Result<Vec<Named>, Failure> {
    let most = Kind::Package.max();
    if path == Path::new(file::STANDARD) || !path.is_dir() {
        return Ok(vec![(file::name(path), file::read(path, most)?)]);
    }
    let failed = |error: io::Error| Failure::File {
        message: format!("cannot read {}: {error}", path.display()),
        hint: "name a bundle's folder that this user may read",
    };
    let entries = fs::read_dir(path).map_err(failed)?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.retain(|path| path.is_file());
    paths.sort_unstable();
    let (mut notices, mut packages) = (Vec::new(), Vec::new());
    for path in paths {
        let octets = file::read(&path, most)?;
        match Kind::of(&octets) {
            Some(Kind::Notice) => notices.push((file::name(&path), octets)),
            Some(Kind::Package) => packages.push((file::name(&path), octets)),
            Some(Kind::Statement | Kind::Delegation) | None => {}
        }
    }
    notices.append(&mut packages);
    if notices.is_empty() {
        return Err(Failure::WrongFile {
            message: format!("no notice and no package is in {}", path.display()),
            hint: "`prosectl bundle GROUP --out FOLDER` makes such a folder",
        });
    }
    Ok(notices)
}

fn carry(daemon: &mut Daemon, group: GroupId, objects: &[Named]) -> Result<Report, Failure> {
    let (mut text, mut carried) = (String::new(), Vec::new());
    for (name, octets) in objects {
        let object = Base64::encode_string(octets);
        let parameters = json!({ "group": group.to_string(), "object": object });
        let reply = daemon.call("Carry", parameters)?;
        let (kind, is_new) = (reply["kind"].as_str().unwrap_or("?"), reply["is_new"] == true);
        let what = match (kind, is_new) {
            ("notice", _) => "the group's notice, for all",
            ("own", true) => "for this device: it is imported",
            ("own", false) => "for this device, which has it or a newer one",
            (_, true) => "for another radio",
            (_, false) => "for another radio; it or a newer one is carried already",
        };
        let _ = writeln!(text, "{name}: {what}");
        carried.push(json!({ "file": name, "kind": kind, "is_new": is_new }));
    }
    text.push_str("Next: nothing. Radios in reach hear it now, others when they are heard.\n");
    Ok(Report::new(text, json!({ "group": group.to_string(), "objects": carried })))
}

#[cfg(test)]
mod tests;
