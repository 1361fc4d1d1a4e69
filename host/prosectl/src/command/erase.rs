//! `erase`: everything goes.

use proseal_client::Client;
use proseal_proto::message::{Erase, Status};
use serde_json::json;

use crate::confirm::{self, Answer};
use crate::failure::Failure;
use crate::output::Report;

const QUESTION: &str = "Erase all keys of this device? They cannot be brought back.";

pub(super) fn run(client: &mut Client, yes: bool) -> Result<Report, Failure> {
    if !yes && confirm::ask(QUESTION) != Answer::Yes {
        return Err(Failure::Usage(
            "not erased: say --yes to erase all keys of this device".to_owned(),
        ));
    }
    let device = client.call(&Status)?.device;
    client.call(&Erase { device })?;
    Ok(Report::new("erased: the device holds no keys\n".to_owned(), json!({ "state": "factory" })))
}
