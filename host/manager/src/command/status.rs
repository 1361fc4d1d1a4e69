//! `status`: how all stands, worst first.

use std::fmt::Write;

use serde_json::json;

use super::Desk;
use crate::domain::device::{Progress, Standing};
use crate::failure::Failure;
use crate::output::Report;
use crate::store::{device, generation, group, manager, member};
use crate::value::{grouped, rfc3339};

/// How many of the newest changes are shown.
const CHANGES: u32 = 10;

pub(super) async fn run(desk: &Desk<'_>) -> Result<Report, Failure> {
    let mut work = desk.look().await?;
    let now = work.now;
    let devices = device::all(&mut work.change).await?;
    let ours = work.identity.root.digest();
    let (mut alarms, mut lagging, mut applied) = (Vec::new(), Vec::new(), Vec::new());
    for device in devices.iter().filter(|device| device.standing != Standing::Lost) {
        for alarm in work.alarms(device) {
            let id = device.id.to_string();
            alarms.push(json!({ "device": id, "name": device.name, "alarm": alarm.name() }));
        }
        let progress = work.progress(device).await?;
        if progress == Progress::Applied {
            applied.push(device.id);
        }
        if progress.is_behind() {
            lagging.push(json!({
                "device": device.id.to_string(),
                "name": device.name,
                "package": progress.name(),
                "sequence_given": device.sequence_given,
            }));
        }
    }
    let mut groups = Vec::new();
    let mut text = format!(
        "manager {}\n  root key's fingerprint: {}\n",
        work.identity.manager,
        grouped(&ours)
    );
    for group in group::all(&mut work.change).await? {
        let timeline = generation::timeline(&mut work.change, group.id, work.now).await?;
        let members = member::count(&mut work.change, group.id).await?;
        let live: Vec<_> = timeline.live(now).map(|span| span.generation.get()).collect();
        let mut former = Vec::new();
        for generation in live {
            former.extend(member::former(&mut work.change, group.id, generation).await?);
        }
        former.sort_unstable_by_key(|device| device.0);
        former.dedup();
        // Who has applied the package that takes the group away holds nothing of it.
        former.retain(|device| !applied.contains(device));
        let current = timeline.current(now);
        let last = timeline.live(now).map(|span| span.not_after).max();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  group {}: {members} members, key {}, keys until {}",
            group.called(),
            current.map_or("none".to_owned(), |span| span.generation.to_string()),
            last.map_or("now".to_owned(), rfc3339),
        );
        let is_due = timeline.is_extension_due(&group.terms(), now);
        let is_unknown = timeline.has_unknown(group.joins_from);
        if is_unknown {
            let _ = writeln!(
                text,
                "    ALARM: a lost time may have given keys that are not known here\n    Next: `prose-manager key replace {}`, then `bundle`",
                group.called()
            );
        } else if is_due {
            let _ = writeln!(
                text,
                "    Next: `prose-manager key rotate {}{}`, then `bundle`",
                group.called(),
                if group.ahead == 0 { "" } else { " --extend" }
            );
        }
        for device in &former {
            let _ =
                writeln!(text, "    removed, and not known to have given its keys up: {device}");
        }
        groups.push(json!({
            "group": group.id.to_string(),
            "name": group.name,
            "members": members,
            "former": former.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "generation": current.map(|span| span.generation.get()),
            "keys_until": last.map(rfc3339),
            "extension_due": is_due,
            "replacement_due": is_unknown,
        }));
    }
    let count = |standing| devices.iter().filter(|device| device.standing == standing).count();
    let (pending, approved, lost) =
        (count(Standing::Pending), count(Standing::Approved), count(Standing::Lost));
    let _ = writeln!(text, "  devices: {approved} approved, {pending} pending, {lost} lost");
    for alarm in &alarms {
        let _ = writeln!(
            text,
            "  ALARM {}: {}",
            alarm["device"].as_str().unwrap_or_default(),
            alarm["alarm"].as_str().unwrap_or_default()
        );
    }
    for late in &lagging {
        let _ = writeln!(
            text,
            "  behind ({}): {} {}",
            late["package"].as_str().unwrap_or_default(),
            late["device"].as_str().unwrap_or_default(),
            late["name"].as_str().unwrap_or_default(),
        );
    }
    let root_key_is_here = desk.home.root_key().exists();
    if root_key_is_here {
        text.push_str("  the root key lies in this folder: take it away\n");
    }
    let signer = manager::signer(&mut work.change).await?.version;
    let changes = manager::audited(&mut work.change, None, CHANGES).await?;
    text.push_str("  newest changes:\n");
    for change in &changes {
        let _ = writeln!(text, "    {} {}: {}", rfc3339(change.at), change.who, change.what);
    }
    let object = json!({
        "manager": work.identity.manager.to_string(),
        "fingerprint": grouped(&ours),
        "signer_version": signer,
        "root_key_is_here": root_key_is_here,
        "newest_change": rfc3339(work.identity.newest_change),
        "devices": { "pending": pending, "approved": approved, "lost": lost },
        "groups": groups,
        "alarms": alarms,
        "lagging": lagging,
        "changes": changes.iter().map(|change| json!({
            "at": rfc3339(change.at), "who": change.who, "what": change.what,
        })).collect::<Vec<_>>(),
    });
    Ok(Report::new(text, object))
}
