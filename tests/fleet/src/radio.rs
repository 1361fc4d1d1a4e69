//! A radio: the trusted application's logic behind `host/client`, which asks a manager as
//! `prosectl` does.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_client::Client;
use proseal_client::sim::Machine;
use proseal_proto::message::{Enrol, GetStatement, Import, Status, StatusReply};
use proseal_ta::sim::Medium;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::https::{Answer, Connection, octets};
use crate::manager::{Manager, Pinned};

/// One radio.
pub(crate) struct Radio {
    machine: Machine,
    medium: Arc<Mutex<Medium>>,
    pub(crate) subscriber: String,
    /// Its one-time token, once it is invited.
    pub(crate) token: String,
    pub(crate) heard: Heard,
    /// Where its next conversation ends before its time, if it does.
    pub(crate) cut: Option<Cut>,
}

/// What a radio has said to its manager, and got of it.
#[derive(Default)]
pub(crate) struct Heard {
    /// The newest statement that was answered by a success.
    pub(crate) acknowledged: Option<Vec<u8>>,
    /// Those whose answer never came, or was a refusal: they may have been taken, also late.
    pub(crate) doubtful: Vec<Vec<u8>>,
    /// Every package that ever came, by sequence.
    pub(crate) packages: BTreeMap<u64, Vec<u8>>,
    /// Its member ids, by group.
    pub(crate) members: BTreeMap<String, String>,
}

/// A radio that goes away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// After so many requests that were answered.
    pub(crate) spared: u32,
    /// Before the next one, or when that was sent and its answer is on the way.
    pub(crate) is_sent: bool,
}

impl Radio {
    /// One that trusts this manager, and has its identity.
    pub(crate) fn new(number: u64, pinned: &Pinned) -> Result<Self, Failure> {
        let medium = Arc::<Mutex<Medium>>::default();
        // The simulated random source counts on from its seed: far apart from each other's.
        let machine =
            Machine::start(Arc::clone(&medium), number.wrapping_mul(0x0123_4567_89ab_cdef));
        let radio = Self {
            machine,
            medium,
            subscriber: format!("unit-{number}"),
            token: String::new(),
            heard: Heard::default(),
            cut: None,
        };
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

    /// Its memory is lost; what it has stored is not.
    pub(crate) fn restart(&self) {
        if let Ok(mut medium) = self.medium.lock() {
            (medium.power_left, medium.is_off) = (None, false);
        }
        self.machine.restart();
    }

    /// Its power goes at the write after so many, until it is started anew.
    pub(crate) fn power_goes_after(&self, writes: u32) {
        if let Ok(mut medium) = self.medium.lock() {
            medium.power_left = Some(writes);
        }
    }

    /// Whether it went.
    pub(crate) fn is_off(&self) -> bool {
        self.medium.lock().is_ok_and(|medium| medium.is_off)
    }

    pub(crate) fn enrol(&mut self, manager: &Manager) -> Result<(), Failure> {
        let body = json!({ "token": self.token });
        let said = self.session(manager)?.ask("enrol", &body)?;
        match said["standing"].as_str() {
            Some("approved") => Ok(()),
            _ => Err(Failure::Wrong(format!("{} is {said}", self.subscriber))),
        }
    }

    /// Asks to be let in, imports the package, and says that it is done.
    pub(crate) fn join(&mut self, manager: &Manager, group: &str) -> Result<(), Failure> {
        let mut session = self.session(manager)?;
        let said = session.ask(&format!("groups/{group}/join"), &json!({}))?;
        let member = said["member"].as_str().unwrap_or_default().to_owned();
        session.heard.members.insert(group.to_owned(), member);
        session.bring_in(&said["package"])
    }

    /// Asks for what is new; whether there was something.
    pub(crate) fn update(&mut self, manager: &Manager) -> Result<bool, Failure> {
        let mut session = self.session(manager)?;
        let said = session.ask("updates", &json!({ "wait_s": 0 }))?;
        if said["package"].is_null() {
            return Ok(false);
        }
        session.bring_in(&said["package"])?;
        Ok(true)
    }

    fn session(&mut self, manager: &Manager) -> Result<Session<'_>, Failure> {
        let connection = manager.connect()?;
        let (client, cut) = (self.client(), self.cut.take());
        let has_others = manager.count() > 1;
        Ok(Session { client, connection, nonce: None, heard: &mut self.heard, cut, has_others })
    }
}

/// A conversation with a manager, over one connection.
struct Session<'r> {
    client: Client,
    connection: Connection,
    nonce: Option<[u8; 32]>,
    heard: &'r mut Heard,
    cut: Option<Cut>,
    /// There is more than one server.
    has_others: bool,
}

impl Session<'_> {
    /// One request by a statement over the manager's newest nonce.
    fn ask(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        let nonce = match self.nonce.take() {
            Some(nonce) => nonce,
            None => {
                let said = self.request("nonce", None, None)?.done("nonce")?;
                let nonce = said["nonce"].as_str().and_then(octets);
                nonce.ok_or_else(|| Failure::Wrong(format!("no nonce: {said}")))?
            }
        };
        let statement = self.client.call(&GetStatement { nonce })?.statement.to_vec();
        let proof = format!("ProSeal-Statement {}", Base64UrlUnpadded::encode_string(&statement));
        self.heard.doubtful.push(statement.clone());
        let answer = self.request(path, Some(&proof), Some(body))?;
        self.nonce = answer.next_nonce;
        let said = answer.done(path)?;
        self.heard.doubtful.pop();
        self.heard.acknowledged = Some(statement);
        self.keep(&said["package"])?;
        Ok(said)
    }

    fn request(
        &mut self,
        path: &str,
        proof: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let line = format!("POST /v1/{path}");
        match &mut self.cut {
            Some(Cut { spared: 0, is_sent }) => {
                if *is_sent {
                    self.connection.send(&line, proof, body)?;
                }
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into());
            }
            Some(Cut { spared, .. }) => *spared -= 1,
            None => {}
        }
        self.connection.ask(&line, proof, body)
    }

    /// Writes down a package that came. No sequence ever has two contents.
    fn keep(&mut self, package: &Value) -> Result<(), Failure> {
        let Some(sequence) = package["sequence"].as_u64() else { return Ok(()) };
        let octets = package_octets(package)?;
        match self.heard.packages.insert(sequence, octets.clone()) {
            Some(before) if before != octets => {
                Err(Failure::Wrong(format!("sequence {sequence} has two contents")))
            }
            _ => Ok(()),
        }
    }

    /// Imports a package, and tells the manager what came of it.
    fn bring_in(&mut self, package: &Value) -> Result<(), Failure> {
        let octets = package_octets(package)?;
        self.client.call(&Import { octets: &octets })?;
        let said = self.ask("receipt", &json!({}))?;
        match said["package"].as_str() {
            // Its groups may have gone on meanwhile.
            Some("applied" | "due") => Ok(()),
            // A request that it gave up came later than those after it, by the other server:
            // there is a newer package, which it asks for next.
            Some("not_seen") if self.has_others && !self.heard.doubtful.is_empty() => Ok(()),
            _ => Err(Failure::Wrong(format!("the manager has it otherwise: {said}"))),
        }
    }
}

fn package_octets(package: &Value) -> Result<Vec<u8>, Failure> {
    let text = package["package"].as_str().unwrap_or_default();
    Base64UrlUnpadded::decode_vec(text)
        .map_err(|_| Failure::Wrong("a package that is no base64url".to_owned()))
}
