//! How devices and groups are shown to people; to programs as everywhere (office/view.rs).

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::alarm::Alarm;
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::office::Work;
use crate::office::view;
use crate::store::device::Device;
use crate::store::group::Group;
use crate::store::{access, generation, member};
use crate::value::span;

/// As an object.
pub(super) fn object(view: &impl Serialize) -> Value {
    // What is made of texts and numbers can always be one.
    serde_json::to_value(view).unwrap_or_default()
}

pub(super) async fn device(
    work: &mut Work<'_>,
    device: &Device,
) -> Result<(String, Value), Failure> {
    let view = work.view_device(device).await?;
    let mut text = format!("device {}\n", view.device);
    // Writing to a String does not fail.
    let _ = writeln!(text, "  name: {}", view.name.as_deref().unwrap_or("none"));
    if let Some(subscriber) = &view.subscriber {
        let _ = writeln!(text, "  subscriber: {subscriber}");
    }
    let _ = writeln!(text, "  standing: {}", view.standing);
    let _ = writeln!(text, "  state: {}, manager: {}", view.state, view.root);
    let _ = writeln!(text, "  last imported statement: {}", view.stated_at);
    let (applied, given) = (view.sequence, view.sequence_given);
    let _ = writeln!(text, "  sequence: {applied} applied, {given} given");
    let _ = writeln!(text, "  newest package: {}", view.package);
    let _ = writeln!(text, "  groups: {}", view.groups.len());
    for alarm in work.alarms(device) {
        text.push_str(match alarm {
            Alarm::RolledBack => "  ALARM: a statement had an older sequence than one before it\n",
            Alarm::ForeignRoot => "  ALARM: it belongs to another manager\n",
            Alarm::FloorAhead => {
                "  ALARM: its time is more than a day ahead of this machine's clock\n"
            }
            Alarm::UnknownSequence | Alarm::OlderStatement => continue,
        });
    }
    Ok((text, object(&view)))
}

/// The generations that packages bring, for the object.
pub(super) fn generations(timeline: &Timeline, now: u64) -> Value {
    object(&view::generations(timeline, now))
}

/// The same for people, a line each.
pub(super) fn generation_lines(timeline: &Timeline, now: u64) -> String {
    view::generations(timeline, now).iter().fold(String::new(), |mut text, one| {
        let _ = writeln!(
            text,
            "  key {} (PGK Id {}): {}, {} to {}",
            one.generation,
            one.pgk_id,
            one.state.replace('_', " "),
            one.not_before,
            one.not_after,
        );
        text
    })
}

pub(super) async fn group(work: &mut Work<'_>, group: &Group) -> Result<(String, Value), Failure> {
    let timeline = generation::timeline(&mut work.change, group.id, work.now).await?;
    let (member_text, members) = members(work, group).await?;
    let view = work.view_group(group).await?;
    let mut text = format!("group {}\n", group.id);
    let _ = writeln!(text, "  name: {}", group.name.as_deref().unwrap_or("none"));
    let _ = writeln!(text, "  keys: {}, {}", view.profile, view.suite);
    let _ = writeln!(
        text,
        "  each the newest for {}, overlap {}, {} ahead",
        span(group.lifetime_s),
        span(group.overlap_s),
        group.ahead
    );
    let _ = writeln!(text, "  may join by network: {}", view.joining);
    text.push_str(&generation_lines(&timeline, work.now));
    let permits = access::permits(&mut work.change, group.id, "", u32::MAX).await?;
    for permit in &permits {
        let as_whom = permit.member.map_or_else(String::new, |member| format!(" as {member}"));
        let _ = writeln!(text, "  may join: {}{as_whom}", permit.subscriber);
    }
    text.push_str(&member_text);
    let mut object = object(&view);
    if let Some(shown) = object.get_mut("members") {
        *shown = members;
    }
    let permits = permits.iter().map(|permit| {
        json!({
            "subscriber": permit.subscriber,
            "member": permit.member.map(|member| member.to_string()),
            "may_send": permit.may_send,
        })
    });
    if let Value::Object(object) = &mut object {
        object.insert("permits".to_owned(), permits.collect());
    }
    Ok((text, object))
}

pub(super) async fn members(
    work: &mut Work<'_>,
    group: &Group,
) -> Result<(String, Value), Failure> {
    let (mut text, mut list) = (String::new(), Vec::new());
    let members = member::all(&mut work.change, group.id).await?;
    for view in work.view_members(&members).await? {
        let _ = writeln!(
            text,
            "  member {}: {} {}{}",
            view.member,
            view.name.as_deref().unwrap_or("(no name)"),
            view.device,
            if view.may_send { "" } else { ", receives only" },
        );
        list.push(object(&view));
    }
    Ok((text, Value::Array(list)))
}
