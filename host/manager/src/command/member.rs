//! `member`: who is in a group, and from which generation on.

use proseal_proto::id::MemberId;
use serde_json::json;

use super::{Desk, show};
use crate::args;
use crate::failure::Failure;
use crate::output::Report;
use crate::store::access::Permit;
use crate::store::generation;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Member) -> Result<Report, Failure> {
    match command {
        args::Member::Add { group, device, member, receive_only } => {
            add(desk, group, device, *member, !receive_only).await
        }
        args::Member::Remove { group, device } => remove(desk, group, device).await,
        args::Member::Allow { group, subscriber, member, receive_only } => {
            let permit =
                Permit { subscriber: subscriber.clone(), member: *member, may_send: !receive_only };
            allow(desk, group, permit).await
        }
        args::Member::Forbid { group, subscriber } => forbid(desk, group, subscriber).await,
        args::Member::List { group } => {
            let mut work = desk.look().await?;
            let group = work.group(group).await?;
            let (text, members) = show::members(&mut work, &group).await?;
            let text = if text.is_empty() { "no members yet\n".to_owned() } else { text };
            Ok(Report::new(text, json!({ "group": group.id.to_string(), "members": members })))
        }
    }
}

async fn add(
    desk: &Desk<'_>,
    group: &str,
    device: &str,
    member: MemberId,
    may_send: bool,
) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    let (group_id, id) = (group.id, device.id);
    let added = work.add_member(&group, &device, member, may_send).await?;
    let timeline = generation::timeline(&mut work.change, group_id, work.now).await?;
    let generations = show::generations(&timeline, work.now);
    work.finish().await?;
    let mut text = format!("{} is member {member} of group {}\n", device.called(), group.called());
    if added.may_send_changed {
        text.push_str(if may_send {
            "  CHANGED: it received only, and may send from its next package on\n"
        } else {
            "  CHANGED: it could send, and only receives from its next package on\n"
        });
    }
    if added.is_rotated {
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
        "may_send_changed": added.may_send_changed,
        "rotated": added.is_rotated,
        "generations": generations,
    });
    Ok(Report::new(text, object))
}

async fn remove(desk: &Desk<'_>, group: &str, device: &str) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    work.remove_member(&group, device.id).await?;
    work.finish().await?;
    let (called, of) = (device.called(), group.called());
    let text = format!(
        "{called} is no member of group {of} any more\n\
         Next: `prose-manager package {called} --out FILE`; until the radio has imported it, it holds the keys still \
         (`exclude {of} {called}` ends them without it)\n"
    );
    Ok(Report::new(text, json!({ "group": group.id.to_string(), "device": device.id.to_string() })))
}

async fn allow(desk: &Desk<'_>, group: &str, permit: Permit) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let group = work.group(group).await?;
    work.allow(&group, &permit).await?;
    work.finish().await?;
    let (subscriber, of) = (&permit.subscriber, group.called());
    let text = format!("{subscriber} may join group {of} by network, once his radio is approved\n");
    let object = json!({
        "group": group.id.to_string(),
        "subscriber": subscriber,
        "member": permit.member.map(|member| member.to_string()),
        "may_send": permit.may_send,
    });
    Ok(Report::new(text, object))
}

async fn forbid(desk: &Desk<'_>, group: &str, subscriber: &str) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let group = work.group(group).await?;
    work.forbid(&group, subscriber).await?;
    work.finish().await?;
    let text = format!(
        "{subscriber} may not join group {} any more; who has joined stays a member\n",
        group.called()
    );
    Ok(Report::new(text, json!({ "group": group.id.to_string(), "subscriber": subscriber })))
}
