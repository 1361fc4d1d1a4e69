//! `enrol`: from here on the device belongs to a manager.

use std::path::Path;

use proseal_client::{Client, Error};
use proseal_proto::error::Code;
use proseal_proto::id::DeviceId;
use proseal_proto::message::{DeviceState, Status, StatusReply};
use serde::Deserialize;
use serde_json::{Value, json};

use super::statement::{fresh, receipt};
use crate::args;
use crate::confirm::Answer;
use crate::enrolment::{self, Enrolment};
use crate::failure::Failure;
use crate::manager::{Place, Session, Tell, TokenFile};
use crate::output::Report;
use crate::value::hex;

/// What this needs of the surroundings.
pub(super) struct Around<'a> {
    /// Where the manager's address is kept.
    pub(super) state: &'a Path,
    /// Says what is being done.
    pub(super) tell: Tell<'a>,
}

#[derive(Deserialize)]
struct EnrolReply {
    subscriber: String,
    standing: String,
}

/// `ask` is asked unless the arguments have the answer.
pub(super) fn run(
    client: &mut Client,
    enrol: &args::Enrol,
    around: &Around<'_>,
    ask: impl FnOnce(&str) -> Answer,
) -> Result<Report, Failure> {
    let Some(path) = &enrol.token_file else {
        let enrolment = Enrolment::new(enrol)?;
        let pinned = pin(client, enrol, &enrolment, ask)?;
        return Ok(report(&enrolment, &pinned));
    };
    let TokenFile { mut place, enrolment, subscriber, token } = TokenFile::read(path)?;
    if let Some(url) = &enrol.manager {
        url.clone_into(&mut place.url);
    }
    let pinned = pin(client, enrol, &enrolment, ask)?;
    // Before the manager knows: who comes so far and no further only has to say the same again.
    place.save(around.state)?;
    (around.tell)(&format!("enrolling at {} as {subscriber}", place.url));
    let mut session = Session::new(client, &place, around.tell);
    let body = json!({ "token": *token });
    let reply: EnrolReply = session.ask("/v1/enrol", &body)?;
    Ok(report_online(&enrolment, &pinned, &place, &reply))
}

/// A device that has its manager.
struct Pinned {
    device: [u8; 16],
    outcome: &'static str,
}

/// Pins the manager, or finds it pinned.
fn pin(
    client: &mut Client,
    enrol: &args::Enrol,
    enrolment: &Enrolment,
    ask: impl FnOnce(&str) -> Answer,
) -> Result<Pinned, Failure> {
    if enrol.fingerprint.is_some_and(|told| told != enrolment.root.digest()) {
        return Err(Failure::WrongFile {
            message: format!("the root key has another fingerprint: {}", enrolment.fingerprint()),
            hint: "do not use this file: ask the operator again for both, by different roads",
        });
    }
    let status = client.call(&Status)?;
    match status.state {
        DeviceState::Factory => {}
        DeviceState::Enrolled => return has_manager(&status, enrolment),
        DeviceState::Damaged => return Err(Error::Refused(Code::Damaged).into()),
    }
    if !enrol.yes && enrol.fingerprint.is_none() {
        confirm(enrolment, ask)?;
    }
    if status.device == DeviceId::NONE {
        // What enrols says nothing of its own, and a nonce tells the identity apart where the
        // TEE's random source is poor.
        fresh(client)?;
    }
    let request = proseal_proto::message::Enrol {
        root_key: *enrolment.root.octets(),
        manager: enrolment.manager.0,
    };
    let reply = match client.call(&request) {
        // Somebody was faster; or the TA ended after it had done this, and was asked again.
        Err(Error::Refused(Code::WrongState)) => {
            return has_manager(&client.call(&Status)?, enrolment);
        }
        reply => reply?,
    };
    let statement = receipt(&reply.statement, &[&request.root_key[..], &request.manager].concat())?;
    if statement.state != DeviceState::Enrolled || statement.root_digest != enrolment.root.digest()
    {
        return Err(Failure::Statement("it says nothing of this enrolment".to_owned()));
    }
    Ok(Pinned { device: statement.device.id().0, outcome: "enrolled" })
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
fn has_manager(status: &StatusReply, enrolment: &Enrolment) -> Result<Pinned, Failure> {
    if status.root_key == *enrolment.root.octets() && status.manager == enrolment.manager.0 {
        return Ok(Pinned { device: status.device.0, outcome: "enrolled already" });
    }
    let message = if status.root_key == [0; 32] {
        "this device is in use without a manager".to_owned()
    } else {
        format!("this device belongs to manager {} already", hex(&status.manager))
    };
    let hint = "erase it first (`prosectl erase`), which ends its keys and its identity: the new one has to be approved";
    Err(Failure::Refused { code: Code::WrongState, message, hint })
}

fn report(enrolment: &Enrolment, pinned: &Pinned) -> Report {
    let mut text = told(enrolment, pinned);
    text.push_str(
        "Next: `prosectl import FILE` brings in the package that this manager made for it.\n",
    );
    Report::new(text, object(enrolment, pinned))
}

fn report_online(
    enrolment: &Enrolment,
    pinned: &Pinned,
    place: &Place,
    reply: &EnrolReply,
) -> Report {
    let (mut text, mut object) = (told(enrolment, pinned), object(enrolment, pinned));
    text.push_str(&format!("  at {}, as {}: {}\n", place.url, reply.subscriber, reply.standing));
    text.push_str(if reply.standing == "pending" {
        "Next: the operator compares the device id with the one on the secure console, and approves it; then `prosectl join GROUP`.\n"
    } else {
        "Next: `prosectl join GROUP`.\n"
    });
    object["url"] = json!(place.url);
    object["subscriber"] = json!(reply.subscriber);
    object["standing"] = json!(reply.standing);
    Report::new(text, object)
}

fn told(enrolment: &Enrolment, pinned: &Pinned) -> String {
    format!(
        "{}: this device belongs to manager {}\n  root key: {}\n  device id: {}\n",
        pinned.outcome,
        enrolment.manager,
        enrolment.fingerprint(),
        hex(&pinned.device),
    )
}

fn object(enrolment: &Enrolment, pinned: &Pinned) -> Value {
    json!({
        "device": hex(&pinned.device),
        "manager": enrolment.manager.to_string(),
        "root_digest": hex(&enrolment.root.digest()),
        "state": "enrolled",
    })
}
