//! `group`.

use std::fmt::Write;

use proseal_proto::content::Policy;
use proseal_proto::limit;
use proseal_proto::profile::{Profile, Suite};
use serde_json::json;

use super::{Desk, show};
use crate::args::{self, GroupAdd};
use crate::failure::Failure;
use crate::output::Report;
use crate::store::group::{self, Group};
use crate::store::member;

/// No key is the newest for longer: what is lost by then stays readable.
const LIFETIME_MAX: u64 = 3660 * 24 * 3600;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Group) -> Result<Report, Failure> {
    match command {
        args::Group::Add(add) => self::add(desk, add).await,
        args::Group::List => list(desk).await,
        args::Group::Show { group } => {
            let mut work = desk.look().await?;
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
        next: 1,
        outside_to: 0,
        notice: None,
    })
}

async fn add(desk: &Desk<'_>, add: &GroupAdd) -> Result<Report, Failure> {
    let group = wanted(add)?;
    let mut work = desk.begin().await?;
    work.add_group(&group).await?;
    let (text, object) = show::group(&mut work, &group).await?;
    work.finish().await?;
    let next = format!("Next: `prose-manager member add {} DEVICE MEMBER`\n", group.called());
    Ok(Report::new(text + &next, object))
}

async fn list(desk: &Desk<'_>) -> Result<Report, Failure> {
    let mut work = desk.look().await?;
    let (mut text, mut list) = (String::new(), Vec::new());
    for group in group::all(&mut work.change).await? {
        let (_, object) = show::group(&mut work, &group).await?;
        let members = member::count(&mut work.change, group.id).await?;
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
