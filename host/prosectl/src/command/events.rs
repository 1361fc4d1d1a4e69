//! `events`: what has happened to the device's keys.

use std::fmt::Write;

use proseal_client::Client;
use proseal_proto::message::{Event, EventKind, Events};
use serde_json::{Value, json};

use super::status::time;
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(client: &mut Client, since: u32) -> Result<Report, Failure> {
    let mut events: Vec<Event> = Vec::new();
    // The TA answers with a part at a time, and keeps fewer than this asks for.
    for _ in 0..8 {
        let from = events.last().map_or(since, |last| last.number.saturating_add(1));
        let reply = client.call(&Events { since: from })?;
        if reply.events.is_empty() {
            break;
        }
        events.extend(reply.events);
    }
    let object = json!({ "events": events.iter().map(object).collect::<Vec<_>>() });
    Ok(Report::new(text(&events, since), object))
}

fn text(events: &[Event], since: u32) -> String {
    match (events, since) {
        ([], 0) => "nothing has happened yet\n".to_owned(),
        ([], _) => format!("nothing has happened since: there is no event {since} yet\n"),
        _ => events.iter().map(line).collect(),
    }
}

fn line(event: &Event) -> String {
    let mut line = format!("{:>5}  {:<20}  {:<9}", event.number, when(event), event.kind.name());
    // Writing to a String does not fail.
    let _ = match event.kind {
        EventKind::Repaired => write!(line, "  the store, after a write that failed"),
        EventKind::Revoked => {
            write!(line, "  group {}, below generation {}", event.group, event.generation)
        }
        _ if event.generation == 0 => write!(line, "  group {}", event.group),
        _ => write!(line, "  group {}, generation {}", event.group, event.generation),
    };
    line.push('\n');
    line
}

fn when(event: &Event) -> String {
    match time(event.floor) {
        Value::String(text) if event.floor != 0 => text,
        _ => "-".to_owned(),
    }
}

fn object(event: &Event) -> Value {
    json!({
        "number": event.number,
        "kind": event.kind.name(),
        "group": event.group.to_string(),
        "generation": event.generation,
        "floor": if event.floor == 0 { Value::Null } else { time(event.floor) },
    })
}

#[cfg(test)]
mod tests {
    use proseal_proto::id::GroupId;

    use super::*;

    #[test]
    fn no_event_is_said_of_the_part_that_was_asked_for() {
        assert_eq!(text(&[], 0), "nothing has happened yet\n");
        assert_eq!(text(&[], 100), "nothing has happened since: there is no event 100 yet\n");
    }

    #[test]
    fn a_line_says_what_happened_to_which_key() {
        let event = |kind, generation| Event {
            number: 7,
            kind,
            group: GroupId::from_octets([0, 0, 1]),
            generation,
            floor: 1_767_225_600,
        };
        let lines = [
            (
                event(EventKind::Ended, 3),
                "    7  2026-01-01T00:00:00Z  ended      group 000001, generation 3\n",
            ),
            (
                event(EventKind::Suspended, 0),
                "    7  2026-01-01T00:00:00Z  suspended  group 000001\n",
            ),
            (
                Event { floor: 0, ..event(EventKind::Revoked, 3) },
                "    7  -                     revoked    group 000001, below generation 3\n",
            ),
        ];
        for (event, expected) in lines {
            assert_eq!(line(&event), expected);
        }
    }
}
