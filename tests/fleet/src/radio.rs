//! A radio: the trusted application's logic behind `host/client`, which asks a manager as
//! `prosectl` does.

use std::sync::{Arc, Mutex};

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_client::Client;
use proseal_client::sim::Machine;
use proseal_proto::message::{Enrol, GetStatement, Import, Status, StatusReply};
use proseal_ta::sim::Medium;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::https::{Connection, octets};
use crate::manager::{Manager, Pinned};

/// One radio.
pub(crate) struct Radio {
    machine: Machine,
    pub(crate) subscriber: String,
    /// Its one-time token, once it is invited.
    pub(crate) token: String,
}

impl Radio {
    /// One that trusts this manager, and has its identity.
    pub(crate) fn new(number: u64, pinned: &Pinned) -> Result<Self, Failure> {
        let medium = Arc::<Mutex<Medium>>::default();
        // The simulated random source counts on from its seed: far apart from each other's.
        let machine = Machine::start(medium, number.wrapping_mul(0x0123_4567_89ab_cdef));
        let radio = Self { machine, subscriber: format!("unit-{number}"), token: String::new() };
        let enrol = Enrol { root_key: pinned.root_key, manager: pinned.manager };
        radio.client().call(&enrol)?;
        Ok(radio)
    }

    fn client(&self) -> Client {
        Client::new(self.machine.clone())
    }

    pub(crate) fn status(&self) -> Result<StatusReply, Failure> {
        Ok(self.client().call(&Status)?)
    }

    pub(crate) fn invite(&mut self, manager: &Manager) -> Result<(), Failure> {
        let id = self.status()?.device.to_string();
        self.token = manager.invite(&self.subscriber, &id)?;
        Ok(())
    }

    pub(crate) fn enrol(&self, manager: &Manager) -> Result<(), Failure> {
        let said = self.session(manager)?.ask("enrol", &json!({ "token": self.token }))?;
        match said["standing"].as_str() {
            Some("approved") => Ok(()),
            _ => Err(Failure::Wrong(format!("{} is {said}", self.subscriber))),
        }
    }

    /// Asks to be let in, imports the package, and says that it is done.
    pub(crate) fn join(&self, manager: &Manager, group: &str) -> Result<(), Failure> {
        let mut session = self.session(manager)?;
        let said = session.ask(&format!("groups/{group}/join"), &json!({}))?;
        session.bring_in(&said["package"])
    }

    /// Asks for what is new; whether there was something.
    pub(crate) fn update(&self, manager: &Manager) -> Result<bool, Failure> {
        let mut session = self.session(manager)?;
        let said = session.ask("updates", &json!({ "wait_s": 0 }))?;
        if said["package"].is_null() {
            return Ok(false);
        }
        session.bring_in(&said["package"])?;
        Ok(true)
    }

    fn session(&self, manager: &Manager) -> Result<Session, Failure> {
        let connection = manager.pinned.authority.connect(manager.devices)?;
        Ok(Session { client: self.client(), connection, nonce: None })
    }
}

/// A conversation with a manager, over one connection.
struct Session {
    client: Client,
    connection: Connection,
    nonce: Option<[u8; 32]>,
}

impl Session {
    /// One request by a statement over the manager's newest nonce.
    fn ask(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let nonce = match self.nonce.take() {
            Some(nonce) => nonce,
            None => {
                let said = self.connection.ask("POST /v1/nonce", None, None)?.done("a nonce")?;
                let nonce = said["nonce"].as_str().and_then(octets);
                nonce.ok_or_else(|| Failure::Wrong(format!("no nonce: {said}")))?
            }
        };
        let statement = self.client.call(&GetStatement { nonce })?.statement;
        let proof = format!("ProSeal-Statement {}", Base64UrlUnpadded::encode_string(&statement));
        let answer = self.connection.ask(&format!("POST /v1/{path}"), Some(&proof), Some(body))?;
        self.nonce = answer.next_nonce;
        answer.done(path)
    }

    /// Imports a package, and tells the manager what came of it.
    fn bring_in(&mut self, package: &Value) -> Result<(), Failure> {
        let text = package["package"].as_str().unwrap_or_default();
        let octets = Base64UrlUnpadded::decode_vec(text)
            .map_err(|_| Failure::Wrong("a package that is no base64url".to_owned()))?;
        self.client.call(&Import { octets: &octets })?;
        let said = self.ask("receipt", &json!({}))?;
        match said["package"].as_str() {
            Some("applied") => Ok(()),
            _ => Err(Failure::Wrong(format!("the manager has it otherwise: {said}"))),
        }
    }
}
