//! `member`: who is in a group, and from which generation on.

use proseal_proto::id::{DeviceId, MemberId};
use proseal_proto::limit;
use serde_json::json;

use super::show;
use crate::args;
use crate::domain::Refusal;
use crate::domain::device::Standing;
use crate::domain::member::joins_from;
use crate::failure::Failure;
use crate::office::{Office, Work};
use crate::output::Report;
use crate::store::device::Device;
use crate::store::group::{self, Group, Member};

pub(super) async fn run(
    office: &mut Office<'_>,
    command: &args::Member,
) -> Result<Report, Failure> {
    match command {
        args::Member::Add { group, device, member, receive_only } => {
            add(office, group, device, *member, !receive_only).await
        }
        args::Member::Remove { group, device } => remove(office, group, device).await,
        args::Member::List { group } => {
            let mut work = office.look().await?;
            let group = work.group(group).await?;
            let (text, members) = show::members(&mut work, &group).await?;
            let text = if text.is_empty() { "no members yet\n".to_owned() } else { text };
            Ok(Report::new(text, json!({ "group": group.id.to_string(), "members": members })))
        }
    }
}

async fn add(
    office: &mut Office<'_>,
    group: &str,
    device: &str,
    member: MemberId,
    may_send: bool,
) -> Result<Report, Failure> {
    let mut work = office.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    if device.standing == Standing::Lost {
        return Err(Refusal::Lost { device: device.id }.into());
    }
    let members = group::members(&mut work.change, group.id).await?;
    let (group_id, id) = (group.id, device.id);
    let there = members.iter().find(|there| there.device == id);
    let is_rotated = match there {
        Some(there) if there.member != member => {
            let member = there.member;
            return Err(Refusal::OtherMember { group: group_id, member, device: id }.into());
        }
        Some(there) => {
            group::save_member(&mut work.change, group_id, &Member { may_send, ..*there }).await?;
            false
        }
        None => {
            if let Some(there) = members.iter().find(|there| there.member == member) {
                let device = there.device;
                return Err(Refusal::MemberTaken { group: group_id, member, device }.into());
            }
            join(&mut work, &group, &device, member, may_send).await?
        }
    };
    work.note(&format!("member add {group_id} {id} as {member}, may send: {may_send}")).await?;
    let timeline = group::timeline(&mut work.change, group_id).await?;
    let generations = show::generations(&timeline, work.now);
    work.finish().await?;
    let mut text = format!("{} is member {member} of group {}\n", device.called(), group.called());
    let is_changed = there.is_some_and(|there| there.may_send != may_send);
    if is_changed {
        text.push_str(if may_send {
            "  CHANGED: it received only, and may send from its next package on\n"
        } else {
            "  CHANGED: it could send, and only receives from its next package on\n"
        });
    }
    if is_rotated {
        text.push_str("  the group has a new key: of those before it may hold none\n");
        text.push_str(&format!(
            "Next: `prose-manager bundle {} --out DIR`: every member needs it\n",
            group.called()
        ));
    } else {
        text.push_str(&format!("Next: `prose-manager package {} --out FILE`\n", device.called()));
    }
    let object = json!({
        "group": group_id.to_string(),
        "device": id.to_string(),
        "member": member.to_string(),
        "may_send": may_send,
        "may_send_changed": is_changed,
        "rotated": is_rotated,
        "generations": generations,
    });
    Ok(Report::new(text, object))
}

/// A new member; whether the group needed a new generation for it.
async fn join(
    work: &mut Work<'_>,
    group: &Group,
    device: &Device,
    member: MemberId,
    may_send: bool,
) -> Result<bool, Failure> {
    let mut count = 0_usize;
    for other in group::all(&mut work.change).await? {
        let members = group::members(&mut work.change, other.id).await?;
        count = count
            .saturating_add(usize::from(members.iter().any(|there| there.device == device.id)));
    }
    if count >= limit::GROUPS {
        return Err(Refusal::TooManyGroups { device: device.id }.into());
    }
    enter(work, group, device.id, member, may_send).await
}

/// Writes down a member that is to have nothing of what it was given; whether the group
/// needed a new generation for it.
pub(super) async fn enter(
    work: &mut Work<'_>,
    group: &Group,
    device: DeviceId,
    member: MemberId,
    may_send: bool,
) -> Result<bool, Failure> {
    let given = group::given(&mut work.change, group.id).await?;
    let joins_from = joins_from(device, member, &given, group.joins_from);
    let joining = Member { device, member, may_send, joins_from };
    group::save_member(&mut work.change, group.id, &joining).await?;
    let mut timeline = group::timeline(&mut work.change, group.id).await?;
    if timeline.current(work.now).is_some_and(|span| span.generation.get() >= joins_from) {
        return Ok(false);
    }
    timeline.begin_anew(&group.terms(), work.now)?;
    work.settle(group, &timeline).await?;
    Ok(true)
}

async fn remove(office: &mut Office<'_>, group: &str, device: &str) -> Result<Report, Failure> {
    let mut work = office.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    if !group::delete_member(&mut work.change, group.id, device.id).await? {
        return Err(Refusal::NotMember { group: group.id, device: device.id }.into());
    }
    work.note(&format!("member remove {} {}", group.id, device.id)).await?;
    work.finish().await?;
    let (called, of) = (device.called(), group.called());
    let text = format!(
        "{called} is no member of group {of} any more\n\
         Next: `prose-manager package {called} --out FILE`; until the radio has imported it, it holds the keys still \
         (`exclude {of} {called}` ends them without it)\n"
    );
    Ok(Report::new(text, json!({ "group": group.id.to_string(), "device": device.id.to_string() })))
}
