//! `key rotate`.

use serde_json::json;

use super::show;
use crate::args;
use crate::failure::Failure;
use crate::office::Office;
use crate::output::Report;
use crate::store::group;
use crate::value::rfc3339;

pub(super) async fn run(office: &mut Office<'_>, command: &args::Key) -> Result<Report, Failure> {
    let args::Key::Rotate { group, extend } = command;
    let mut work = office.begin().await?;
    let group = work.group(group).await?;
    let timeline = if *extend {
        let mut timeline = group::timeline(&mut work.change, group.id).await?;
        timeline.extend(&group.terms(), work.now)?;
        work.settle(&group, &timeline).await?;
        timeline
    } else {
        work.rotate(&group).await?
    };
    work.note(&format!("key rotate {}{}", group.id, if *extend { " --extend" } else { "" }))
        .await?;
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
    let object = json!({
        "group": group.id.to_string(),
        "generation": timeline.current(now).map(|span| span.generation.get()),
        "generations": show::generations(&timeline, now),
    });
    Ok(Report::new(text, object))
}
