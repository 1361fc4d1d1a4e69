//! `key list`.

use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, Status};
use serde_json::json;

use super::status::{group_object, group_text};
use crate::failure::Failure;
use crate::output::Report;

pub(super) fn list(client: &mut Client) -> Result<Report, Failure> {
    let status = client.call(&Status)?;
    if status.state == DeviceState::Damaged {
        return Err(Error::Refused(Code::Damaged).into());
    }
    let text = if status.groups.is_empty() {
        "no keys are held; `prosectl import --help` says how to bring some\n".to_owned()
    } else {
        status.groups.iter().map(|group| group_text(&status, group)).collect::<Vec<_>>().join("\n")
    };
    let groups = status.groups.iter().map(|group| group_object(&status, group)).collect::<Vec<_>>();
    Ok(Report::new(text, json!({ "groups": groups })))
}
