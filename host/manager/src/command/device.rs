//! `device`: statements in, approval, loss.

use std::fmt::Write;
use std::path::Path;

use proseal_issuer::{Kind, Statement};
use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::{Desk, confirm, exclude, invite, show};
use crate::args;
use crate::domain::device::Standing;
use crate::failure::Failure;
use crate::file;
use crate::here::{Answer, Here};
use crate::office::Ended;
use crate::output::Report;
use crate::store::device::{self, Device};
use crate::value::fingerprint;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Device) -> Result<Report, Failure> {
    match command {
        args::Device::Import { file, name, accept_rollback } => {
            import(desk, file, name.as_deref(), *accept_rollback).await
        }
        args::Device::Invite { subscriber, out, device, expires, url } => {
            invite::run(desk, subscriber, out, *device, *expires, url.as_deref()).await
        }
        args::Device::Approve { id } => approve(desk, *id).await,
        args::Device::List { after, limit } => list(desk, *after, *limit).await,
        args::Device::Show { device } => {
            let mut work = desk.look().await?;
            let device = work.device(device).await?;
            let (text, object) = show::device(&mut work, &device).await?;
            Ok(Report::new(text, object))
        }
        args::Device::Lost { device, out, yes } => lost(desk, device, out.as_deref(), *yes).await,
    }
}

async fn import(
    desk: &Desk<'_>,
    path: &Path,
    name: Option<&str>,
    accepted: bool,
) -> Result<Report, Failure> {
    let octets = file::read(path, Kind::Statement.max())?;
    let statement = Statement::verify(&octets)
        .map_err(|error| Failure::Statement { file: path.display().to_string(), error })?;
    let mut work = desk.begin().await?;
    let imported = work.import(statement, &octets, name, accepted).await?;
    let id = imported.device.id;
    let accepting = if accepted { ", an older sequence accepted" } else { "" };
    let naming = name.map_or_else(String::new, |name| format!(" as {name}"));
    work.note(format!("device import {id}{naming}{accepting}"));
    let (text, object) = show::device(&mut work, &imported.device).await?;
    work.finish().await?;
    let mut text = format!(
        "{}{text}",
        if imported.is_new {
            "a new device: it waits for approval\n"
        } else {
            "a statement of a known device\n"
        }
    );
    for alarm in &imported.alarms {
        let _ = writeln!(text, "  {}", alarm.text());
    }
    for group in &imported.rotated {
        let _ = writeln!(
            text,
            "  group {group} has a new key: of those before this radio may have none\n\
             Next: `prose-manager bundle {group} --out DIR`: every member needs it"
        );
    }
    text.push_str(next(&imported.device, imported.is_ours));
    let names = imported.alarms.iter().map(|alarm| Value::from(alarm.name())).collect();
    Ok(Report::new(text, object)
        .with("outcome", json!(if imported.is_new { "new" } else { "known" }))
        .with("alarms", names)
        .with("rotated", json!(imported.rotated)))
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

async fn approve(desk: &Desk<'_>, id: Option<DeviceId>) -> Result<Report, Failure> {
    let typed = match id {
        Some(id) => id,
        None => typed(desk.here)?,
    };
    let mut work = desk.begin().await?;
    let (device, ended) = work.approve(typed).await?;
    let is_ours = device.is_ours(&work.identity.root.digest());
    let (text, object) = show::device(&mut work, &device).await?;
    work.finish().await?;
    let mut text = format!("approved\n{text}");
    for one in &ended {
        let _ = write!(
            text,
            "  an older radio of the same subscriber is lost:\n{}",
            exclude::told(&one.group, &one.timeline)
        );
    }
    Ok(Report::new(text + next(&device, is_ours), object))
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

async fn list(desk: &Desk<'_>, after: Option<DeviceId>, limit: u32) -> Result<Report, Failure> {
    let mut work = desk.look().await?;
    let devices = device::page(&mut work.change, after, limit).await?;
    let is_full = devices.len() == limit as usize;
    let next = devices.last().filter(|_| is_full).map(|last| last.id.to_string());
    let views = work.view_devices(&devices).await?;
    let mut text = views.iter().fold(String::new(), |mut text, view| {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{}  {}  {}  package {}{}",
            view.device,
            view.name.as_deref().unwrap_or("-"),
            view.standing,
            view.package,
            if view.alarms.is_empty() { "" } else { "  ALARM" },
        );
        text
    });
    if let Some(next) = &next {
        let _ = writeln!(text, "there may be more: `prose-manager device list --after {next}`");
    }
    if views.is_empty() && after.is_none() {
        text.push_str(
            "no devices yet: `prose-manager device import FILE` takes a radio's statement\n",
        );
    }
    if text.is_empty() {
        text.push_str("no more devices\n");
    }
    Ok(Report::new(text, json!({ "devices": show::object(&views), "next": next })))
}

async fn lost(
    desk: &Desk<'_>,
    named: &str,
    out: Option<&Path>,
    yes: bool,
) -> Result<Report, Failure> {
    let mut look = desk.look().await?;
    let called = look.device(named).await?.called();
    look.leave().await?;
    let question =
        format!("Device {called} is lost, for good, and is excluded from all of its groups?");
    confirm(desk.here, yes, &question)?;
    let mut work = desk.begin().await?;
    let device = work.device(named).await?;
    let (id, name) = (device.id, device.name.clone());
    let ended = work.lose(device).await?;
    let now = work.now;
    let out = out.map(|out| exclude::folder(desk, out)).transpose()?;
    work.finish().await?;
    let mut text = format!("device {called} is lost: excluded from {} groups\n", ended.len());
    let (mut groups, mut not_carried, mut first) = (Vec::new(), Vec::new(), None);
    for Ended { group, timeline } in &ended {
        let mut object = exclude::object(group, timeline, now);
        let out = out.as_ref().map(|out| out.join(group.id.to_string()));
        match exclude::carried(desk, group, timeline, out.as_deref(), &mut object).await {
            Ok(carried) => text.push_str(&carried),
            Err(failure) => {
                not_carried.push(group.called());
                first.get_or_insert(failure);
            }
        }
        groups.push(object);
    }
    if let Some(failure) = first {
        return Err(Failure::NotCarried {
            done: format!("device {called} is lost"),
            groups: not_carried,
            failure: Box::new(failure),
        });
    }
    Ok(Report::new(text, json!({ "device": id.to_string(), "name": name, "groups": groups })))
}
