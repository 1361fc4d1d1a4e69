//! How devices and groups are shown, as text and object.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::domain::device::is_floor_ahead;
use crate::domain::timeline::{Span, Timeline};
use crate::failure::Failure;
use crate::office::Work;
use crate::store::device::Device;
use crate::store::group::Group;
use crate::store::{generation, member};
use crate::value::{hex, rfc3339, span};

const NOTHING: [u8; 32] = [0; 32];

/// Whose a device says that it is.
pub(super) fn root(device: &Device, ours: &[u8; 32]) -> &'static str {
    match device.statement.root_digest {
        NOTHING => "none",
        root if root == *ours => "this",
        _ => "other",
    }
}

pub(super) async fn device(
    work: &mut Work<'_>,
    device: &Device,
) -> Result<(String, Value), Failure> {
    let root = root(device, &work.identity.root.digest());
    let progress = work.progress(device).await?;
    let statement = &device.statement;
    let mut groups = Vec::new();
    for there in member::of_device(&mut work.change, device.id).await? {
        groups.push(json!({
            "group": there.group.to_string(),
            "name": there.name,
            "member": there.member.member.to_string(),
            "may_send": there.member.may_send,
        }));
    }
    let mut text = format!("device {}\n", device.id);
    // Writing to a String does not fail.
    let _ = writeln!(text, "  name: {}", device.name.as_deref().unwrap_or("none"));
    let _ = writeln!(text, "  standing: {}", device.standing.name());
    let _ = writeln!(text, "  state: {}, manager: {root}", statement.state.name());
    let _ = writeln!(text, "  last imported statement: {}", rfc3339(device.stated_at));
    let _ = writeln!(
        text,
        "  sequence: {} applied, {} given",
        statement.sequence, device.sequence_given
    );
    let _ = writeln!(text, "  newest package: {}", progress.name());
    let _ = writeln!(text, "  groups: {}", groups.len());
    if device.rolled_back {
        text.push_str("  ALARM: a statement had an older sequence than one before it\n");
    }
    if is_floor_ahead(statement.floor, work.now) {
        text.push_str("  ALARM: its time is more than a day ahead of this machine's clock\n");
    }
    if root == "other" {
        text.push_str("  ALARM: it belongs to another manager\n");
    }
    let object = json!({
        "device": device.id.to_string(),
        "name": device.name,
        "standing": device.standing.name(),
        "state": statement.state.name(),
        "root": root,
        "stated_at": rfc3339(device.stated_at),
        "floor": rfc3339(statement.floor),
        "sequence": statement.sequence,
        "sequence_given": device.sequence_given,
        "rolled_back": device.rolled_back,
        "package": progress.name(),
        "package_digest": (statement.package_digest != NOTHING).then(|| hex(&statement.package_digest)),
        "groups": groups,
    });
    Ok((text, object))
}

/// What a generation is for at this moment.
fn state(span: &Span, timeline: &Timeline, now: u64) -> &'static str {
    if span.not_before > now {
        "future"
    } else if timeline.current(now) == Some(span) {
        "in_use"
    } else {
        "ending"
    }
}

/// The generations that packages bring, for the object.
pub(super) fn generations(timeline: &Timeline, now: u64) -> Value {
    let one = |span: &Span| {
        json!({
            "generation": span.generation.get(),
            "pgk_id": span.id.to_string(),
            "state": state(span, timeline, now),
            "not_before": rfc3339(span.not_before),
            "not_after": rfc3339(span.not_after),
        })
    };
    timeline.live(now).map(one).collect()
}

/// The same for people, a line each.
pub(super) fn generation_lines(timeline: &Timeline, now: u64) -> String {
    timeline.live(now).fold(String::new(), |mut text, span| {
        let _ = writeln!(
            text,
            "  key {} (PGK Id {}): {}, {} to {}",
            span.generation,
            span.id,
            state(span, timeline, now).replace('_', " "),
            rfc3339(span.not_before),
            rfc3339(span.not_after),
        );
        text
    })
}

pub(super) async fn group(work: &mut Work<'_>, group: &Group) -> Result<(String, Value), Failure> {
    let timeline = generation::timeline(&mut work.change, group.id, work.now).await?;
    let (member_text, members) = members(work, group).await?;
    let policy = &group.policy;
    let mut text = format!("group {}\n", group.id);
    let _ = writeln!(text, "  name: {}", group.name.as_deref().unwrap_or("none"));
    let _ = writeln!(text, "  keys: {}, {}", policy.profile.name(), policy.suite.name());
    let _ = writeln!(
        text,
        "  each the newest for {}, overlap {}, {} ahead",
        span(group.lifetime_s),
        span(group.overlap_s),
        group.ahead
    );
    text.push_str(&generation_lines(&timeline, work.now));
    text.push_str(&member_text);
    let object = json!({
        "group": group.id.to_string(),
        "name": group.name,
        "profile": policy.profile.name(),
        "suite": policy.suite.name(),
        "label": policy.label.as_str(),
        "lifetime_s": group.lifetime_s,
        "overlap_s": group.overlap_s,
        "ahead": group.ahead,
        "receive_grace_s": policy.receive_grace_s,
        "send_grace_s": policy.send_grace_s,
        "max_unsynced_s": policy.max_unsynced_s,
        "epoch_s": policy.epoch_s,
        "epoch_packets": policy.epoch_packets,
        "accept_rollback": policy.accept_rollback,
        "next": timeline.next,
        "has_notice": group.notice.is_some(),
        "generations": generations(&timeline, work.now),
        "members": members,
    });
    Ok((text, object))
}

pub(super) async fn members(
    work: &mut Work<'_>,
    group: &Group,
) -> Result<(String, Value), Failure> {
    let (mut text, mut list) = (String::new(), Vec::new());
    for member in member::all(&mut work.change, group.id).await? {
        let device = crate::store::device::find(&mut work.change, member.device).await?;
        let name = device.as_ref().and_then(|device| device.name.clone());
        let standing = device.as_ref().map(|device| device.standing.name());
        let _ = writeln!(
            text,
            "  member {}: {} {}{}",
            member.member,
            name.as_deref().unwrap_or("(no name)"),
            member.device,
            if member.may_send { "" } else { ", receives only" },
        );
        list.push(json!({
            "device": member.device.to_string(),
            "name": name,
            "member": member.member.to_string(),
            "may_send": member.may_send,
            "standing": standing,
        }));
    }
    Ok((text, Value::Array(list)))
}
