//! `key`: the next one with an overlap, or at once.

use serde_json::{Value, json};

use super::{Desk, confirm, exclude, show};
use crate::args;
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::output::Report;
use crate::store::group::Group;
use crate::value::rfc3339;

pub(super) async fn run(desk: &Desk<'_>, command: &args::Key) -> Result<Report, Failure> {
    match command {
        args::Key::Rotate { group, extend } => rotate(desk, group, *extend).await,
        args::Key::Replace { group, yes } => replace(desk, group, *yes).await,
    }
}

async fn replace(desk: &Desk<'_>, named: &str, yes: bool) -> Result<Report, Failure> {
    let mut look = desk.look().await?;
    let called = look.group(named).await?.called();
    look.leave().await?;
    let question =
        format!("End all keys of group {called} at once, and give its members new ones?");
    confirm(desk.here, yes, &question)?;
    let mut work = desk.begin().await?;
    let group = work.group(named).await?;
    let timeline = work.replace_keys(&group).await?;
    let now = work.now;
    work.finish().await?;
    Ok(Report::new(exclude::told(&group, &timeline), exclude::object(&group, &timeline, now)))
}

fn nothing_to_add(group: &Group, timeline: &Timeline, now: u64) -> Report {
    let text = format!(
        "nothing to add: group {} has a key in use and as many ahead as it wants ({})\n{}",
        group.called(),
        group.ahead,
        show::generation_lines(timeline, now)
    );
    Report::new(text, object(group, timeline, now, false))
}

fn object(group: &Group, timeline: &Timeline, now: u64, changed: bool) -> Value {
    json!({
        "group": group.id.to_string(),
        "changed": changed,
        "generation": timeline.current(now).map(|span| span.generation.get()),
        "generations": show::generations(timeline, now),
    })
}

async fn rotate(desk: &Desk<'_>, group: &str, extend: bool) -> Result<Report, Failure> {
    let mut work = desk.begin().await?;
    let group = work.group(group).await?;
    let timeline = if extend {
        let (timeline, is_changed) = work.extend(&group).await?;
        if !is_changed {
            return Ok(nothing_to_add(&group, &timeline, work.now));
        }
        timeline
    } else {
        work.rotate(&group).await?
    };
    let now = work.now;
    work.finish().await?;
    // Who has no package by then is deaf.
    let ending = timeline
        .live(now)
        .filter(|span| span.not_before <= now && Some(*span) != timeline.current(now));
    let until = ending.map(|span| span.not_after).max();
    let mut text = format!("group {}\n{}", group.called(), show::generation_lines(&timeline, now));
    text.push_str(&format!(
        "Next: `prose-manager bundle {} --out DIR`, and carry it to every member",
        group.called()
    ));
    text.push_str(&until.map_or("\n".to_owned(), |until| format!(" before {}\n", rfc3339(until))));
    Ok(Report::new(text, object(&group, &timeline, now, true)))
}
