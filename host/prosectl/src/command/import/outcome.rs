//! What came of an import, in words.

use std::fmt::Write;

use proseal_issuer::{Notice, Statement};
use proseal_proto::message::{GroupStatus, ImportReply, Outcome, StatusReply};
use serde_json::{Value, json};

use super::{Thing, trust};
use crate::command::status::time;
use crate::value::hex;

/// `status` is of after it, if it is known.
pub(super) fn report(
    thing: Thing,
    octets: &[u8],
    reply: &ImportReply,
    statement: &Statement,
    status: Option<&StatusReply>,
) -> (String, Value) {
    let mut object = json!({
        "kind": thing.to_string(),
        "outcome": reply.outcome.name(),
        "device": hex(&statement.device.id().0),
        "sequence": statement.sequence,
        "floor": if statement.floor == 0 { Value::Null } else { time(statement.floor) },
        "statement": hex(&reply.statement),
    });
    let text = match thing {
        Thing::Package => of_package(reply.outcome, statement, status),
        Thing::Notice => {
            let read = status.and_then(|status| {
                let notice = Notice::verify(octets, &trust(status)?).ok()?;
                Some((notice, status))
            });
            if let Some((notice, _)) = &read {
                object["group"] = json!(notice.group().to_string());
                object["below"] = json!(notice.below().get());
            }
            read.map_or_else(
                || format!("{}: the notice\n", reply.outcome.name()),
                |(notice, status)| of_notice(reply.outcome, &notice, status),
            )
        }
    };
    (text, object)
}

fn of_package(outcome: Outcome, statement: &Statement, status: Option<&StatusReply>) -> String {
    let mut text = match outcome {
        Outcome::Applied => "applied: the device holds what the package says\n".to_owned(),
        Outcome::Partly => {
            "partly applied: the device holds what the package says, but for keys that have ended\n\
             here since it was made, by a notice, a revocation or their time\n"
                .to_owned()
        }
        Outcome::Same => {
            "same: this package was applied before, so nothing was to be done\n".to_owned()
        }
        Outcome::Superseded => {
            "superseded: a later package was applied before, so nothing was done\n".to_owned()
        }
    };
    // Writing to a String does not fail.
    let _ = writeln!(text, "  sequence: {}", statement.sequence);
    let groups = status.map_or(&[][..], |status| &status.groups);
    if status.is_some() {
        let keys: usize = groups.iter().map(|group| group.pgks.len()).sum();
        let _ = writeln!(text, "  held: groups {}, keys {keys}", groups.len());
    }
    match outcome {
        Outcome::Applied | Outcome::Same => {}
        Outcome::Partly => {
            let without: Vec<_> = (groups.iter())
                .filter(|group| is_silent(group))
                .map(|group| group.group.to_string())
                .collect();
            if !without.is_empty() {
                let _ = writeln!(text, "  groups without a key: {}", without.join(", "));
            }
            text.push_str(NEWER);
        }
        Outcome::Superseded => {
            text.push_str("Next: bring the manager's newest package, if that was not it.\n");
        }
    }
    text
}

const NEWER: &str =
    "Next: ask the manager for a new package, with a newer generation where one is missing.\n";

fn of_notice(outcome: Outcome, notice: &Notice, status: &StatusReply) -> String {
    let (group, below) = (notice.group(), notice.below());
    let held = status.groups.iter().find(|held| held.group == group);
    match (outcome, held) {
        // Of notices there is no part.
        (Outcome::Applied | Outcome::Partly, _) => {
            let ended =
                format!("applied: in group {group} everything below generation {below} is ended\n");
            if held.is_some_and(is_silent) {
                ended + "  the group has no key here any more\n" + NEWER
            } else {
                ended
            }
        }
        (Outcome::Same, None) => {
            format!("same: this device is not in group {group}, so nothing was to be done\n")
        }
        (Outcome::Same, Some(_)) => {
            format!("same: in group {group} everything below generation {below} was ended before\n")
        }
        (Outcome::Superseded, held) => {
            let more = held.map_or_else(String::new, |held| format!(", all below {}", held.next));
            format!("superseded: in group {group} more was ended before{more}; nothing was done\n")
        }
    }
}

const fn is_silent(group: &GroupStatus) -> bool {
    group.pgks.is_empty()
}
