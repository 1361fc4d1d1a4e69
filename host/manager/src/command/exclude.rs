//! `exclude`: all that a device holds of a group ends; the others get a new key.

use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::{confirm, show};
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::here::Here;
use crate::office::{Office, Work};
use crate::output::Report;
use crate::store::group::{self, Group};

pub(super) async fn run(
    office: &mut Office<'_>,
    group: &str,
    device: &str,
    yes: bool,
    here: &Here,
) -> Result<Report, Failure> {
    confirm(here, yes, &question(office, group, device).await?)?;
    let mut work = office.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    group::delete_member(&mut work.change, group.id, device.id).await?;
    let signer = work.signer().await?;
    let timeline = work.replace(&group, &signer).await?;
    work.note(&format!("exclude {} from {}: below {}", device.id, group.id, timeline.next)).await?;
    let now = work.now;
    work.finish().await?;
    let text = format!(
        "{} is excluded from group {}\n{}",
        device.called(),
        group.called(),
        told(&group, &timeline)
    );
    let mut object = object(&group, &timeline, now);
    object["device"] = json!(device.id.to_string());
    Ok(Report::new(text, object))
}

/// What to ask. That a device never was a member is no reason to refuse: a database that
/// was put back from a backup does not know.
async fn question(office: &mut Office<'_>, group: &str, device: &str) -> Result<String, Failure> {
    let mut look = office.look().await?;
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

/// Whether a device may hold anything of a group: it is a member, was given what is
/// not ended, or may have been in a time that this database does not know.
pub(super) async fn holds(
    work: &mut Work<'_>,
    group: &Group,
    device: DeviceId,
) -> Result<bool, Failure> {
    if is_member(work, group, device).await? {
        return Ok(true);
    }
    let timeline = group::timeline(&mut work.change, group.id).await?;
    let given = group::given(&mut work.change, group.id).await?;
    let holds = given.iter().any(|g| g.device == device && g.generation >= timeline.next);
    Ok(holds || timeline.has_unknown(group.joins_from))
}

async fn is_member(work: &mut Work<'_>, group: &Group, device: DeviceId) -> Result<bool, Failure> {
    let members = group::members(&mut work.change, group.id).await?;
    Ok(members.iter().any(|member| member.device == device))
}

async fn was_given(work: &mut Work<'_>, group: &Group, device: DeviceId) -> Result<bool, Failure> {
    let given = group::given(&mut work.change, group.id).await?;
    Ok(given.iter().any(|given| given.device == device))
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
