//! `suspend`, `resume` and `revoke`.

use proseal_client::Client;
use proseal_proto::id::{Generation, GroupId};
use proseal_proto::message::{Revoke, Suspend};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Report;

pub(super) fn suspend(client: &mut Client, group: GroupId, on: bool) -> Result<Report, Failure> {
    client.call(&Suspend { group, on })?;
    let text = if on {
        format!("group {group}: suspended; `prosectl resume {group}` lets it go on\n")
    } else {
        format!("group {group}: deriving goes on\n")
    };
    Ok(Report::new(text, json!({ "group": group.to_string(), "suspended": on })))
}

pub(super) fn revoke(
    client: &mut Client,
    group: GroupId,
    below: Generation,
) -> Result<Report, Failure> {
    client.call(&Revoke { group, below })?;
    Ok(Report::new(
        format!("group {group}: every generation below {below} has ended\n"),
        json!({ "group": group.to_string(), "below": below.get() }),
    ))
}
