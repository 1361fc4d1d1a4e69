//! `group`.

use std::fmt::Write;

use proseal_proto::content::Policy;
use proseal_proto::limit;
use proseal_proto::profile::{Profile, Suite};
use serde_json::json;

use super::show;
use crate::args::{self, GroupAdd};
use crate::failure::Failure;
use crate::office::Office;
use crate::output::Report;
use crate::store::group::{self, Group};
use crate::value::is_same_name;

/// No key is the newest for longer: what is lost by then stays readable.
const LIFETIME_MAX: u64 = 3660 * 24 * 3600;

pub(super) async fn run(office: &mut Office<'_>, command: &args::Group) -> Result<Report, Failure> {
    match command {
        args::Group::Add(add) => self::add(office, add).await,
        args::Group::List => list(office).await,
        args::Group::Show { group } => {
            let mut work = office.look().await?;
            let group = work.group(group).await?;
            let (text, object) = show::group(&mut work, &group).await?;
            Ok(Report::new(text, object))
        }
    }
}

fn wanted(add: &GroupAdd) -> Result<Group, Failure> {
    let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
    let suite = add.suite.unwrap_or(match add.profile {
        Profile::HkdfSha256 => Suite::Aead,
        Profile::Ts33303 => Suite::ThreeGpp,
    });
    if !add.profile.suites().contains(&suite) {
        return usage(&format!(
            "suite {} does not go with profile {}",
            suite.name(),
            add.profile.name()
        ));
    }
    if !add.label.is_empty() && !add.profile.has_label() {
        return usage(&format!("profile {} has no use for a label", add.profile.name()));
    }
    if !(1..=LIFETIME_MAX).contains(&add.lifetime) || add.overlap > add.lifetime {
        return usage("--lifetime is 1 second to 10 years, and --overlap at most as long");
    }
    // At each moment: the one in use, those ahead, and those that drain.
    let draining = limit::PGKS.saturating_sub(usize::from(add.ahead).saturating_add(1)) as u64;
    let drain_s = add.overlap.saturating_add(u64::from(add.receive_grace.max(add.send_grace)));
    if drain_s > add.lifetime.saturating_mul(draining) {
        return usage(
            "a radio would have to hold more than 4 keys at once: a longer --lifetime, or less --overlap, --ahead or grace",
        );
    }
    if add.epoch == 0 {
        return usage("--epoch is 1 second or more");
    }
    let policy = Policy {
        not_before: 0,
        not_after: 0,
        profile: add.profile,
        suite,
        label: add.label,
        epoch_s: add.epoch,
        epoch_packets: add.epoch_packets,
        receive_grace_s: add.receive_grace,
        send_grace_s: add.send_grace,
        max_unsynced_s: add.max_unsynced,
        accept_rollback: add.accept_rollback,
    };
    Ok(Group {
        id: add.group,
        name: add.name.clone(),
        policy,
        lifetime_s: add.lifetime,
        overlap_s: add.overlap,
        ahead: usize::from(add.ahead),
        joins_from: 1,
        notice: None,
    })
}

async fn add(office: &mut Office<'_>, add: &GroupAdd) -> Result<Report, Failure> {
    let group = wanted(add)?;
    let mut work = office.begin().await?;
    for other in group::all(&mut work.change).await? {
        let is_called_so = is_same_name(other.name.as_deref(), group.name.as_deref());
        if other.id == group.id || is_called_so {
            return Err(Failure::Usage(format!("group {} is there already", other.called())));
        }
    }
    group::insert(&mut work.change, &group).await?;
    let mut timeline = group::timeline(&mut work.change, group.id).await?;
    timeline.extend(&group.terms(), work.now)?;
    work.settle(&group, &timeline).await?;
    work.note(&format!("group add {}", group.id)).await?;
    let (text, object) = show::group(&mut work, &group).await?;
    work.finish().await?;
    let next = format!("Next: `prose-manager member add {} DEVICE MEMBER`\n", group.called());
    Ok(Report::new(text + &next, object))
}

async fn list(office: &mut Office<'_>) -> Result<Report, Failure> {
    let mut work = office.look().await?;
    let (mut text, mut list) = (String::new(), Vec::new());
    for group in group::all(&mut work.change).await? {
        let (_, object) = show::group(&mut work, &group).await?;
        let members = group::members(&mut work.change, group.id).await?.len();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{}  {}  {members} members",
            group.id,
            group.name.as_deref().unwrap_or("-")
        );
        list.push(object);
    }
    if list.is_empty() {
        text.push_str("no groups yet: `prose-manager group add HEX` makes one\n");
    }
    Ok(Report::new(text, json!({ "groups": list })))
}
