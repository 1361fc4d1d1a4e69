//! `group`.

use std::fmt::Write;

use serde_json::json;

use super::{Desk, show};
use crate::args::{self, GroupAdd, GroupSet};
use crate::domain::plan::Plan;
use crate::failure::Failure;
use crate::output::Report;
use crate::store::{group, member};

pub(super) async fn run(desk: &Desk<'_>, command: &args::Group) -> Result<Report, Failure> {
    match command {
        args::Group::Add(add) => self::add(desk, add).await,
        args::Group::Set(set) => self::set(desk, set).await,
        args::Group::List => list(desk).await,
        args::Group::Show { group } => {
            let mut work = desk.look().await?;
            let group = work.group(group).await?;
            let (text, object) = show::group(&mut work, &group).await?;
            Ok(Report::new(text, object))
        }
    }
}

fn plan(add: &GroupAdd) -> Plan {
    Plan {
        profile: add.profile,
        suite: add.suite,
        label: add.label.as_str().to_owned(),
        lifetime_s: add.lifetime,
        overlap_s: add.overlap,
        ahead: add.ahead,
        receive_grace_s: add.receive_grace,
        send_grace_s: add.send_grace,
        max_unsynced_s: add.max_unsynced,
        epoch_s: add.epoch,
        epoch_packets: add.epoch_packets,
        accept_rollback: add.accept_rollback,
        joining: add.joining,
    }
}

fn changed(set: &GroupSet, plan: Plan) -> Plan {
    Plan {
        // Another profile has a suite of its own.
        suite: set.suite.or(plan.suite.filter(|_| set.profile.is_none())),
        profile: set.profile.unwrap_or(plan.profile),
        label: set.label.map_or(plan.label, |label| label.as_str().to_owned()),
        lifetime_s: set.lifetime.unwrap_or(plan.lifetime_s),
        overlap_s: set.overlap.unwrap_or(plan.overlap_s),
        ahead: set.ahead.unwrap_or(plan.ahead),
        receive_grace_s: set.receive_grace.unwrap_or(plan.receive_grace_s),
        send_grace_s: set.send_grace.unwrap_or(plan.send_grace_s),
        max_unsynced_s: set.max_unsynced.unwrap_or(plan.max_unsynced_s),
        joining: set.joining.unwrap_or(plan.joining),
        ..plan
    }
}

async fn set(desk: &Desk<'_>, set: &GroupSet) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let group = work.group(&set.group).await?;
    let plan = changed(set, group.plan());
    let group = work.change_group(&group, &plan).await?;
    let (text, object) = show::group(&mut work, &group).await?;
    work.finish().await?;
    let next = format!(
        "Next: `prose-manager key rotate {}`: what is in use stays as it was\n",
        group.called()
    );
    Ok(Report::new(text + &next, object))
}

async fn add(desk: &Desk<'_>, add: &GroupAdd) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let group = work.add_group(add.group, add.name.clone(), &plan(add)).await?;
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
