//! `key`: the next one with an overlap, or at once.

use serde_json::{Value, json};

use super::{confirm, exclude, show};
use crate::args;
use crate::domain::timeline::Timeline;
use crate::failure::Failure;
use crate::here::Here;
use crate::office::Office;
use crate::output::Report;
use crate::store::group::{self, Group};
use crate::value::rfc3339;

pub(super) async fn run(
    office: &mut Office<'_>,
    command: &args::Key,
    here: &Here,
) -> Result<Report, Failure> {
    match command {
        args::Key::Rotate { group, extend } => rotate(office, group, *extend).await,
        args::Key::Replace { group, yes } => replace(office, group, *yes, here).await,
    }
}

async fn replace(
    office: &mut Office<'_>,
    named: &str,
    yes: bool,
    here: &Here,
) -> Result<Report, Failure> {
    let mut look = office.look().await?;
    let called = look.group(named).await?.called();
    look.leave().await?;
    let question =
        format!("End all keys of group {called} at once, and give its members new ones?");
    confirm(here, yes, &question)?;
    let mut work = office.begin().await?;
    let group = work.group(named).await?;
    let signer = work.signer().await?;
    let timeline = work.replace(&group, &signer).await?;
    work.note(&format!("key replace {}: below {}", group.id, timeline.next)).await?;
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

async fn rotate(office: &mut Office<'_>, group: &str, extend: bool) -> Result<Report, Failure> {
    let mut work = office.begin().await?;
    let group = work.group(group).await?;
    let timeline = if extend {
        let mut timeline = group::timeline(&mut work.change, group.id).await?;
        let last = timeline.last;
        timeline.extend(&group.terms(), work.now)?;
        if timeline.last == last {
            return Ok(nothing_to_add(&group, &timeline, work.now));
        }
        work.settle(&group, &timeline).await?;
        timeline
    } else {
        work.rotate(&group).await?
    };
    work.note(&format!("key rotate {}{}", group.id, if extend { " --extend" } else { "" })).await?;
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
