//! `device`: statements in, approval, loss.

use std::fmt::Write;
use std::path::Path;

use proseal_issuer::{Kind, Statement};
use proseal_proto::id::DeviceId;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{confirm, exclude, member, show};
use crate::args;
use crate::domain::Refusal;
use crate::domain::device::{Known, Receipt, Standing, is_floor_ahead, receive};
use crate::failure::Failure;
use crate::file;
use crate::here::{Answer, Here};
use crate::office::{Office, Work};
use crate::output::Report;
use crate::store::device::{self, Device};
use crate::store::{group, package};
use crate::value::{fingerprint, is_same_name};

/// Sequences are signed numbers in the database, with room for more.
const SEQUENCE_MAX: u64 = 1 << 62;

pub(super) async fn run(
    office: &mut Office<'_>,
    command: &args::Device,
    here: &Here,
) -> Result<Report, Failure> {
    match command {
        args::Device::Import { file, name, accept_rollback } => {
            import(office, file, name.as_deref(), *accept_rollback).await
        }
        args::Device::Approve { id } => approve(office, *id, here).await,
        args::Device::List => list(office).await,
        args::Device::Show { device } => {
            let mut work = office.look().await?;
            let device = work.device(device).await?;
            let (text, object) = show::device(&mut work, &device).await?;
            Ok(Report::new(text, object))
        }
        args::Device::Lost { device, yes } => lost(office, device, *yes, here).await,
    }
}

async fn import(
    office: &mut Office<'_>,
    path: &Path,
    name: Option<&str>,
    accepted: bool,
) -> Result<Report, Failure> {
    let octets = file::read(path, Kind::Statement.max())?;
    let statement = Statement::verify(&octets)
        .map_err(|error| Failure::Statement { file: path.display().to_string(), error })?;
    let id = statement.device.id();
    if statement.sequence > SEQUENCE_MAX {
        return Err(Refusal::NoSequence { device: id }.into());
    }
    let mut work = office.begin().await?;
    let is_ours = statement.root_digest == work.identity.root.digest();
    let known = device::find(&mut work.change, id).await?;
    let is_new = known.is_none();
    let mut device = known.unwrap_or_else(|| Device {
        id,
        name: None,
        standing: Standing::Pending,
        statement: statement.clone(),
        octets: Vec::new(),
        stated_at: work.now,
        sequence_seen: 0,
        sequence_given: 0,
        rolled_back: false,
    });
    let before = Known { sequence: device.sequence_seen, rolled_back: device.rolled_back };
    let (stated, digest) = (statement.sequence, statement.package_digest);
    let is_made = package::is_made(&mut work.change, id, stated, &digest).await?;
    let receipt = receive(before, stated, is_made, accepted);
    let is_older = statement.floor < device.statement.floor;
    let is_said_again =
        (device.statement.sequence, device.statement.package_digest) == (stated, digest);
    rename(&mut work, &mut device, name).await?;
    device.statement = statement;
    device.octets = octets;
    device.stated_at = work.now;
    device.sequence_seen = receipt.sequence;
    device.rolled_back = receipt.rolled_back;
    let is_put_back = receipt.unknown_sequence && is_ours;
    // Before it is approved anybody may have made it.
    if is_put_back && device.standing == Standing::Approved && !is_said_again {
        work.pass_lost_time(&mut device).await?;
    }
    device::save(&mut work.change, &device).await?;
    let renewed = if receipt.returns { enter_again(&mut work, id).await? } else { Vec::new() };
    let accepting = if accepted { ", an older sequence accepted" } else { "" };
    let naming = name.map_or_else(String::new, |name| format!(" as {name}"));
    work.note(&format!("device import {id}{naming}{accepting}")).await?;
    let (text, object) = show::device(&mut work, &device).await?;
    let is_foreign = show::root(&device, &work.identity.root.digest()) == "other";
    let now = work.now;
    work.finish().await?;
    let mut alarms = alarms(&receipt, is_put_back, is_foreign);
    if is_older {
        alarms.push(("older_statement", "Its time is before that of the statement that was imported last: this is an old file, or \
            the radio lost power before it wrote its time down. Import a present one."));
    }
    if is_floor_ahead(device.statement.floor, now) {
        alarms.push(("floor_ahead", "Its time is more than a day ahead of this machine's clock: one of both is wrong, and a radio \
            keeps its time for ever. Compare this clock with another one."));
    }
    let mut text = format!(
        "{}{text}",
        if is_new {
            "a new device: it waits for approval\n"
        } else {
            "a statement of a known device\n"
        }
    );
    for (_, alarm) in &alarms {
        let _ = writeln!(text, "  {alarm}");
    }
    for group in &renewed {
        let _ = writeln!(
            text,
            "  group {group} has a new key: of those before this radio may have none\n\
             Next: `prose-manager bundle {group} --out DIR`: every member needs it"
        );
    }
    text.push_str(next(&device, is_ours));
    let names = alarms.iter().map(|(name, _)| Value::from(*name)).collect();
    Ok(Report::new(text, object)
        .with("outcome", json!(if is_new { "new" } else { "known" }))
        .with("alarms", names)
        .with("rotated", json!(renewed)))
}

/// A radio whose storage was put back is in its groups as one that returns: it may send
/// under no key that it had. The groups that needed a new one for it.
async fn enter_again(work: &mut Work<'_>, device: DeviceId) -> Result<Vec<String>, Failure> {
    let mut renewed = Vec::new();
    for group in group::all(&mut work.change).await? {
        let members = group::members(&mut work.change, group.id).await?;
        if let Some(there) = members.iter().find(|member| member.device == device)
            && member::enter(work, &group, device, there.member, there.may_send).await?
        {
            renewed.push(group.called());
        }
    }
    Ok(renewed)
}

async fn rename(
    work: &mut Work<'_>,
    device: &mut Device,
    name: Option<&str>,
) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    if let Some(called) = device.name.clone().filter(|called| called != name) {
        return Err(Refusal::OtherName { device: device.id, called }.into());
    }
    let all = device::all(&mut work.change).await?;
    let is_taken =
        |other: &&Device| other.id != device.id && is_same_name(other.name.as_deref(), Some(name));
    if let Some(other) = all.iter().find(is_taken) {
        return Err(Failure::Usage(format!("device {} has the name {name} already", other.id)));
    }
    device.name = Some(name.to_owned());
    Ok(())
}

fn alarms(
    receipt: &Receipt,
    is_put_back: bool,
    is_foreign: bool,
) -> Vec<(&'static str, &'static str)> {
    let mut alarms = Vec::new();
    if receipt.rolled_back {
        alarms.push(("rolled_back", "Its storage was put back, or this statement is an old one. Nothing is sealed for it until \
            you know which, and import its present statement with --accept-rollback."));
    }
    if is_foreign {
        alarms.push(("foreign_root", "Somebody else enrolled it. Nothing is sealed for it: on the radio `prosectl erase`, then enrol it here."));
    }
    if is_put_back {
        alarms.push(("unknown_sequence", "It has applied a package that this database does not know: a backup was put back, or another \
            copy of this manager is in use. Who joins a group gets new keys only. Next: `key replace` each group, \
            declare lost again what was lost in that time, and make bundles."));
    }
    alarms
}

fn next(device: &Device, is_ours: bool) -> &'static str {
    match device.standing {
        Standing::Pending => {
            "Next: read the device id on the radio's secure console and type it: `prose-manager device approve`\n"
        }
        Standing::Approved if !is_ours => {
            "Next: on the radio `prosectl enrol FILE`, with the file of `prose-manager enrolment`; then import its statement again\n"
        }
        Standing::Approved => {
            "Next: `prose-manager member add GROUP DEVICE MEMBER`, then `prose-manager package DEVICE --out FILE`\n"
        }
        Standing::Lost => "This identity was declared lost: it gets nothing any more.\n",
    }
}

async fn approve(
    office: &mut Office<'_>,
    id: Option<DeviceId>,
    here: &Here,
) -> Result<Report, Failure> {
    let typed = match id {
        Some(id) => id,
        None => typed(here)?,
    };
    let mut work = office.begin().await?;
    // All are compared, each as a whole, so that time tells nothing of how near a guess is.
    let mut found = None;
    for device in device::all(&mut work.change).await? {
        if bool::from(device.id.0.ct_eq(&typed.0)) {
            found = Some(device);
        }
    }
    let mut device = found.ok_or(Refusal::NoSuchFingerprint)?;
    match device.standing {
        Standing::Pending => device.standing = Standing::Approved,
        Standing::Approved => return Err(Refusal::ApprovedAlready { device: device.id }.into()),
        Standing::Lost => return Err(Refusal::Lost { device: device.id }.into()),
    }
    let is_ours = device.statement.root_digest == work.identity.root.digest();
    let (stated, digest) = (device.statement.sequence, device.statement.package_digest);
    let is_made = package::is_made(&mut work.change, device.id, stated, &digest).await?;
    if is_ours && stated > 0 && !is_made {
        work.pass_lost_time(&mut device).await?;
    }
    device::save(&mut work.change, &device).await?;
    work.note(&format!("device approve {}", device.id)).await?;
    let (text, object) = show::device(&mut work, &device).await?;
    work.finish().await?;
    Ok(Report::new(format!("approved\n{text}{}", next(&device, is_ours)), object))
}

fn typed(here: &Here) -> Result<DeviceId, Failure> {
    match (here.ask)("Device id, as the radio's secure console shows it:") {
        Answer::Line(line) => fingerprint(&line).map(DeviceId).map_err(Failure::Usage),
        Answer::NoTerminal => Err(Failure::Usage(
            "say the device id that the radio's secure console shows: `device approve ID`"
                .to_owned(),
        )),
    }
}

async fn list(office: &mut Office<'_>) -> Result<Report, Failure> {
    let mut work = office.look().await?;
    let (mut text, mut list) = (String::new(), Vec::new());
    let ours = work.identity.root.digest();
    for device in device::all(&mut work.change).await? {
        let (_, object) = show::device(&mut work, &device).await?;
        let alarm = if device.rolled_back || show::root(&device, &ours) == "other" {
            "  ALARM"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "{}  {}  {}  package {}{alarm}",
            device.id,
            device.name.as_deref().unwrap_or("-"),
            device.standing.name(),
            work.progress(&device).await?.name(),
        );
        list.push(object);
    }
    if list.is_empty() {
        text.push_str(
            "no devices yet: `prose-manager device import FILE` takes a radio's statement\n",
        );
    }
    Ok(Report::new(text, json!({ "devices": list })))
}

async fn lost(
    office: &mut Office<'_>,
    named: &str,
    yes: bool,
    here: &Here,
) -> Result<Report, Failure> {
    let mut look = office.look().await?;
    let called = look.device(named).await?.called();
    look.leave().await?;
    let question =
        format!("Device {called} is lost, for good, and is excluded from all of its groups?");
    confirm(here, yes, &question)?;
    let mut work = office.begin().await?;
    let mut device = work.device(named).await?;
    let id = device.id;
    let signer = work.signer().await?;
    let mut ended = Vec::new();
    for group in group::all(&mut work.change).await? {
        if exclude::holds(&mut work, &group, id).await? {
            group::delete_member(&mut work.change, group.id, id).await?;
            let timeline = work.replace(&group, &signer).await?;
            ended.push((group, timeline));
        }
    }
    device.standing = Standing::Lost;
    device::save(&mut work.change, &device).await?;
    work.note(&format!("device lost {id}: excluded from {} groups", ended.len())).await?;
    let now = work.now;
    work.finish().await?;
    let mut text =
        format!("device {} is lost: excluded from {} groups\n", device.called(), ended.len());
    for (group, timeline) in &ended {
        let _ = write!(text, "{}", exclude::told(group, timeline));
    }
    let groups: Vec<_> =
        ended.iter().map(|(group, timeline)| exclude::object(group, timeline, now)).collect();
    Ok(Report::new(
        text,
        json!({ "device": id.to_string(), "name": device.name, "groups": groups }),
    ))
}
