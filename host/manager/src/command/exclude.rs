//! `exclude`: all that a device holds of a group ends; the others get a new key.

use std::path::{Path, PathBuf};

use proseal_proto::id::DeviceId;
use serde_json::{Value, json};

use super::{Desk, confirm, files, show};
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::file;
use crate::office::Work;
use crate::output::Report;
use crate::store::group::Group;
use crate::store::member;

pub(super) async fn run(
    desk: &Desk<'_>,
    group: &str,
    device: &str,
    out: Option<&Path>,
    yes: bool,
) -> Result<Report, Failure> {
    confirm(desk.here, yes, &question(desk, group, device).await?)?;
    let mut work = desk.begin().await?;
    let (group, device) = (work.group(group).await?, work.device(device).await?);
    let timeline = work.exclude(&group, device.id).await?;
    let now = work.now;
    let out = out.map(|out| folder(desk, out)).transpose()?;
    work.finish().await?;
    let (called, of) = (device.called(), group.called());
    let mut text = format!("{called} is excluded from group {of}\n");
    let mut object = object(&group, &timeline, now);
    let carried = carried(desk, &group, &timeline, out.as_deref(), &mut object).await;
    text.push_str(&carried.map_err(|failure| Failure::NotCarried {
        done: format!("{called} is excluded"),
        groups: vec![of],
        failure: Box::new(failure),
    })?);
    Ok(Report::new(text, object).with("device", json!(device.id.to_string())))
}

/// Where bundles go: it is there before what is ended takes effect.
pub(super) fn folder(desk: &Desk<'_>, out: &Path) -> Result<PathBuf, Failure> {
    desk.home.keeps_out(out)?;
    file::create_empty_folder(out)
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

/// What is ended, and what to do next.
pub(super) fn told(group: &Group, timeline: &Timeline) -> String {
    format!(
        "{}Next: `prose-manager bundle {} --out DIR`, and carry it to every member: until then they hear nobody who has \
         it\n",
        ended(group, timeline),
        group.called()
    )
}

fn ended(group: &Group, timeline: &Timeline) -> String {
    format!("  group {}: all keys below {} are ended\n", group.called(), timeline.next)
}

/// The same; where there is a place for the bundle, it is written, and told in `object` too.
///
/// Errors: the bundle is not written; the keys are ended all the same.
pub(super) async fn carried(
    desk: &Desk<'_>,
    group: &Group,
    timeline: &Timeline,
    out: Option<&Path>,
    object: &mut Value,
) -> Result<String, Failure> {
    let Some(out) = out else { return Ok(told(group, timeline)) };
    let bundle = files::bundle(desk, &group.id.to_string(), out).await?;
    if let Value::Object(members) = object {
        members.insert("bundle".to_owned(), bundle.object().clone());
    }
    Ok(format!("{}{}", ended(group, timeline), bundle.text()))
}

pub(super) fn object(group: &Group, timeline: &Timeline, now: u64) -> Value {
    json!({
        "group": group.id.to_string(),
        "below": timeline.next,
        "generation": timeline.current(now).map(|span| span.generation.get()),
        "generations": show::generations(timeline, now),
    })
}
