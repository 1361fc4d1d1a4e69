//! `exclude`: all that a device holds of a group ends; the others get a new key.

use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::{Desk, confirm, show};
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::office::Work;
use crate::output::Report;
use crate::store::group::Group;
use crate::store::member;

pub(super) async fn run(
    desk: &Desk<'_>,
    group: &str,
    device: &str,
    yes: bool,
) -> Result<Report, Failure> {
    confirm(desk.here, yes, &question(desk, group, device).await?)?;
    let mut work = desk.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    let timeline = work.exclude(&group, device.id).await?;
    let now = work.now;
    work.finish().await?;
    let text = format!(
        "{} is excluded from group {}\n{}",
        device.called(),
        group.called(),
        told(&group, &timeline)
    );
    let object = object(&group, &timeline, now);
    Ok(Report::new(text, object).with("device", json!(device.id.to_string())))
}

/// What to ask. That a device never was a member is no reason to refuse: a database that
/// was put back from a backup does not know.
async fn question(desk: &Desk<'_>, group: &str, device: &str) -> Result<String, Failure> {
    let mut look = desk.look().await?;
    let (group, device) = (look.group(group).await?, look.device(device).await?);
    let is_known = is_member(&mut look, &group, device.id).await?
        || was_given(&mut look, &group, device.id).await?;
    look.leave().await?;
    let (called, of) = (device.called(), group.called());
    Ok(if is_known {
        format!("Exclude {called} from group {of}, and give the others a new key?")
    } else {
        format!(
            "As far as this database knows, {called} never was in group {of}. End all keys of the group all the same, \
             and give its members new ones?"
        )
    })
}

async fn is_member(work: &mut Work<'_>, group: &Group, device: DeviceId) -> Result<bool, Failure> {
    Ok(member::find(&mut work.change, group.id, device).await?.is_some())
}

async fn was_given(work: &mut Work<'_>, group: &Group, device: DeviceId) -> Result<bool, Failure> {
    Ok(member::given_to(&mut work.change, group.id, device).await?.is_some())
}

pub(super) fn told(group: &Group, timeline: &Timeline) -> String {
    format!(
        "  group {}: all keys below {} are ended\n\
         Next: `prose-manager bundle {} --out DIR`, and carry it to every member: until then they hear nobody who has it\n",
        group.called(),
        timeline.next,
        group.called()
    )
}

pub(super) fn object(group: &Group, timeline: &Timeline, now: u64) -> Value {
    json!({
        "group": group.id.to_string(),
        "below": timeline.next,
        "generation": timeline.current(now).map(|span| span.generation.get()),
        "generations": show::generations(timeline, now),
    })
}
