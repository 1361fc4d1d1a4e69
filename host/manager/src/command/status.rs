//! `status`: how all stands, worst first.

use std::fmt::Write;

use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::Desk;
use crate::domain::clock::AHEAD_MAX;
use crate::domain::device::{Progress, Standing};
use crate::failure::Failure;
use crate::office::Work;
use crate::output::Report;
use crate::store::{device, generation, group, manager, member};
use crate::value::{grouped, rfc3339};

/// How many of the newest changes are shown.
const CHANGES: u32 = 10;

/// How many of those with alarms, and of those that lag, are shown.
const SHOWN: u32 = 100;
/// Devices that are looked at together.
const PART: u32 = 500;

pub(super) async fn run(desk: &Desk<'_>) -> Result<Report, Failure> {
    let mut work = desk.look().await?;
    let now = work.now;
    let ours = work.identity.root.digest();
    let latest = now.saturating_add(AHEAD_MAX);
    let alarmed = device::alarmed(&mut work.change, latest, None, SHOWN.saturating_add(1)).await?;
    let are_more_alarms = alarmed.len() > SHOWN as usize;
    let mut alarms = Vec::new();
    for device in alarmed.iter().take(SHOWN as usize) {
        for alarm in work.alarms(device) {
            let id = device.id.to_string();
            alarms.push(json!({ "device": id, "name": device.name, "alarm": alarm.name() }));
        }
    }
    let (lagging, behind) = lagging(&mut work).await?;
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
        let former = not_given_up(&mut work, &former).await?;
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
    let counts = device::counts(&mut work.change).await?;
    let count = |of| counts.iter().find(|(standing, _)| *standing == of).map_or(0, |(_, n)| *n);
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
    if are_more_alarms {
        text.push_str("  there are more alarms: `prose-manager device list` shows all\n");
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
    if behind > lagging.len() as u64 {
        let _ = writeln!(
            text,
            "  {behind} are behind, of which these are the first: `prose-manager device list` shows all"
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
        "behind": behind,
        "changes": changes.iter().map(|change| json!({
            "at": rfc3339(change.at), "who": change.who, "what": change.what,
        })).collect::<Vec<_>>(),
    });
    Ok(Report::new(text, object))
}

/// The first of those that lag, and how many there are.
async fn lagging(work: &mut Work<'_>) -> Result<(Vec<Value>, u64), Failure> {
    let (mut first, mut behind, mut after) = (Vec::new(), 0_u64, None);
    loop {
        let part = device::page(&mut work.change, after, PART).await?;
        let Some(last) = part.last() else { return Ok((first, behind)) };
        after = Some(last.id);
        let progress = work.progress_of(&part).await?;
        for (device, progress) in part.iter().zip(progress) {
            if device.standing == Standing::Lost || !progress.is_behind() {
                continue;
            }
            behind = behind.saturating_add(1);
            if first.len() < SHOWN as usize {
                first.push(json!({
                    "device": device.id.to_string(),
                    "name": device.name,
                    "package": progress.name(),
                    "sequence_given": device.sequence_given,
                }));
            }
        }
    }
}

/// Of those that were removed from a group, who is not known to hold nothing of it: has not
/// applied the package that takes it away.
async fn not_given_up(work: &mut Work<'_>, former: &[DeviceId]) -> Result<Vec<DeviceId>, Failure> {
    let found = device::some(&mut work.change, former).await?;
    let devices: Vec<_> = former.iter().filter_map(|id| found.get(id).cloned()).collect();
    let progress = work.progress_of(&devices).await?;
    let is_left = |device: &device::Device, progress| {
        device.standing == Standing::Lost || progress != Progress::Applied
    };
    let left = devices.iter().zip(progress).filter(|(device, progress)| is_left(device, *progress));
    Ok(left.map(|(device, _)| device.id).collect())
}
