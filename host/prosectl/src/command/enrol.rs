//! `enrol`: from here on the device belongs to a manager.

use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::message::{DeviceState, Status, StatusReply};
use serde_json::json;

use super::statement::receipt;
use crate::args;
use crate::confirm::Answer;
use crate::enrolment::{self, Enrolment};
use crate::failure::Failure;
use crate::output::Report;
use crate::value::hex;

/// `ask` is asked unless the arguments have the answer.
pub(super) fn run(
    client: &mut Client,
    enrol: &args::Enrol,
    ask: impl FnOnce(&str) -> Answer,
) -> Result<Report, Failure> {
    let enrolment = Enrolment::new(enrol)?;
    let status = client.call(&Status)?;
    match status.state {
        DeviceState::Factory => {}
        DeviceState::Enrolled => return has_manager(&status, &enrolment),
        DeviceState::Damaged => return Err(Error::Refused(Code::Damaged).into()),
    }
    if !enrol.yes {
        confirm(&enrolment, ask)?;
    }
    let request = proseal_proto::message::Enrol {
        root_key: *enrolment.root.octets(),
        manager: enrolment.manager.0,
    };
    let reply = match client.call(&request) {
        // Somebody was faster; or the TA ended after it had done this, and was asked again.
        Err(Error::Refused(Code::WrongState)) => {
            return has_manager(&client.call(&Status)?, &enrolment);
        }
        reply => reply?,
    };
    let statement = receipt(&reply.statement, &[&request.root_key[..], &request.manager].concat())?;
    if statement.state != DeviceState::Enrolled || statement.root_digest != enrolment.root.digest()
    {
        return Err(Failure::Statement("it says nothing of this enrolment".to_owned()));
    }
    Ok(report(&enrolment, &statement.device.id().0, "enrolled"))
}

/// Without anybody to be asked the fingerprint is told all the same.
fn confirm(enrolment: &Enrolment, ask: impl FnOnce(&str) -> Answer) -> Result<(), Failure> {
    let refused = match ask(&enrolment::question(enrolment)) {
        Answer::Yes => return Ok(()),
        Answer::No => "not enrolled: the fingerprint was not confirmed".to_owned(),
        Answer::NoTerminal => format!(
            "not enrolled: say --yes if the root key's fingerprint is {}",
            enrolment.fingerprint()
        ),
    };
    Err(Failure::Usage(refused))
}

/// It is enrolled already: with this manager, which is as good, or not.
fn has_manager(status: &StatusReply, enrolment: &Enrolment) -> Result<Report, Failure> {
    if status.root_key == *enrolment.root.octets() && status.manager == enrolment.manager.0 {
        return Ok(report(enrolment, &status.device.0, "enrolled already"));
    }
    let message = if status.root_key == [0; 32] {
        "this device is in use without a manager".to_owned()
    } else {
        format!("this device belongs to manager {} already", hex(&status.manager))
    };
    let hint = "erase it first (`prosectl erase`), which ends its keys and its identity: the new one has to be approved";
    Err(Failure::Refused { code: Code::WrongState, message, hint })
}

fn report(enrolment: &Enrolment, device: &[u8; 16], outcome: &str) -> Report {
    let text = format!(
        "{outcome}: this device belongs to manager {}\n  root key: {}\n  device id: {}\nNext: `prosectl import FILE` brings in the package that this manager made for it.\n",
        enrolment.manager,
        enrolment.fingerprint(),
        hex(device),
    );
    let object = json!({
        "device": hex(device),
        "manager": enrolment.manager.to_string(),
        "root_digest": hex(&enrolment.root.digest()),
        "state": "enrolled",
    });
    Report::new(text, object)
}
