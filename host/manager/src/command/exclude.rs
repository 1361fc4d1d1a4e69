//! `exclude`: all that a device holds of a group ends; the others get a new key.

use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::{confirm, show};
use crate::domain::Refusal;
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
    let mut work = office.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    let was_member = group::delete_member(&mut work.change, group.id, device.id).await?;
    if !was_member && !was_given(&mut work, &group, device.id).await? {
        return Err(Refusal::NeverMember { group: group.id, device: device.id }.into());
    }
    confirm(
        here,
        yes,
        &format!(
            "Exclude {} from group {}, and give the others a new key?",
            device.called(),
            group.called()
        ),
    )?;
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

/// Whether a device may hold anything of a group: it is a member, or was given what is
/// not ended.
pub(super) async fn holds(
    work: &mut Work<'_>,
    group: &Group,
    device: DeviceId,
) -> Result<bool, Failure> {
    let members = group::members(&mut work.change, group.id).await?;
    if members.iter().any(|member| member.device == device) {
        return Ok(true);
    }
    let next = group::timeline(&mut work.change, group.id).await?.next;
    let given = group::given(&mut work.change, group.id).await?;
    Ok(given.iter().any(|given| given.device == device && given.generation >= next))
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
