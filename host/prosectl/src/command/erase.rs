//! `erase`: everything goes.

use std::io::{self, IsTerminal, Write};

use proseal_client::Client;
use proseal_proto::message::{Erase, Status};
use serde_json::json;

use crate::failure::Failure;
use crate::output::Report;

pub(super) fn run(client: &mut Client, yes: bool) -> Result<Report, Failure> {
    if !yes && !confirmed() {
        return Err(Failure::Usage(
            "not erased: say --yes to erase all keys of this device".to_owned(),
        ));
    }
    let device = client.call(&Status)?.device;
    client.call(&Erase { device })?;
    Ok(Report::new("erased: the device holds no keys\n".to_owned(), json!({ "state": "factory" })))
}

/// Asks at a terminal; anywhere else the answer is no.
fn confirmed() -> bool {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    let mut answer = String::new();
    let asked =
        write!(io::stderr(), "Erase all keys of this device? They cannot be brought back. [y/N] ");
    asked.is_ok()
        && io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim(), "y" | "yes")
}
