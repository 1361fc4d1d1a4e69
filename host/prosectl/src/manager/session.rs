//! A conversation with a manager: each request says who asks, by a statement over the
//! manager's latest nonce. What is asked twice, since an answer was lost, has the same answer.

use std::thread;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use proseal_client::Client;
use proseal_proto::message::GetStatement;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Answer, Http, Refused};
use super::place::Place;
use super::problem::ManagerError;
use crate::failure::Failure;

/// How often a request is tried.
const TRIES: u32 = 4;
/// How long after the first failure; twice as long after each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that a server's wish is followed for.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Says what is being done.
pub(crate) type Tell<'t> = &'t dyn Fn(&str);

/// A conversation.
pub(crate) struct Session<'c> {
    pub(crate) client: &'c mut Client,
    pub(crate) tell: Tell<'c>,
    http: Http,
    nonce: Option<[u8; 32]>,
}

#[derive(Deserialize)]
struct NonceReply {
    nonce: String,
}

impl<'c> Session<'c> {
    pub(crate) fn new(client: &'c mut Client, place: &Place, tell: Tell<'c>) -> Self {
        Self { client, tell, http: Http::new(place), nonce: None }
    }

    /// Asks for something that has an answer.
    pub(crate) fn ask<R: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &Value,
    ) -> Result<R, Failure> {
        let answer = self.ask_and_wait(path, body, Duration::ZERO)?;
        answer.ok_or_else(|| ManagerError::Malformed("it is empty".to_owned()).into())
    }

    /// The same, where the manager may wait so long before it answers; `None` if it has nothing
    /// to say.
    pub(crate) fn ask_and_wait<R: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &Value,
        wait: Duration,
    ) -> Result<Option<R>, Failure> {
        let (mut pause, mut tries) = (PAUSE, TRIES);
        loop {
            let Refused { error, retry_after } = match self.once(path, body, wait)? {
                Ok(None) => return Ok(None),
                Ok(Some(body)) => {
                    let malformed =
                        |error: serde_json::Error| ManagerError::Malformed(error.to_string());
                    return Ok(Some(serde_json::from_value(body).map_err(malformed)?));
                }
                Err(refused) => refused,
            };
            let is_worth_it = match &error {
                ManagerError::Unreachable { .. } | ManagerError::NotNow { .. } => true,
                // The answer to this nonce was lost, or it was too old: another one will do.
                ManagerError::Refused { name, .. } => {
                    ["bad_nonce", "nonce_used", "late_statement"].contains(&name.as_str())
                }
                ManagerError::NotTrusted { .. } | ManagerError::Malformed(_) => false,
            };
            tries = tries.saturating_sub(1);
            if !is_worth_it || tries == 0 {
                return Err(error.into());
            }
            (self.tell)(&format!("{error}: trying again"));
            thread::sleep(retry_after.map_or(pause, |s| Duration::from_secs(s).min(PAUSE_MAX)));
            pause = pause.saturating_mul(2);
        }
    }

    /// One try. The outer error is this device's.
    fn once(
        &mut self,
        path: &str,
        body: &Value,
        wait: Duration,
    ) -> Result<Result<Option<Value>, Refused>, Failure> {
        let nonce = match self.nonce.take() {
            Some(nonce) => nonce,
            None => match self.http.post("/v1/nonce", None, &json!({}), Duration::ZERO) {
                Ok(answer) => match fresh(answer) {
                    Ok(nonce) => nonce,
                    Err(error) => return Ok(Err(Refused { error, retry_after: None })),
                },
                Err(refused) => return Ok(Err(refused)),
            },
        };
        let statement = self.client.call(&GetStatement { nonce })?.statement;
        let proof = Base64UrlUnpadded::encode_string(&statement);
        Ok(self.http.post(path, Some(&proof), body, wait).map(|answer| {
            self.nonce = answer.next_nonce.as_deref().and_then(octets);
            answer.body
        }))
    }
}

fn fresh(answer: Answer) -> Result<[u8; 32], ManagerError> {
    let malformed = || ManagerError::Malformed("it is no nonce".to_owned());
    let reply: NonceReply =
        answer.body.and_then(|body| serde_json::from_value(body).ok()).ok_or_else(malformed)?;
    octets(&reply.nonce).ok_or_else(malformed)
}

fn octets(text: &str) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    let read = Base64UrlUnpadded::decode(text, &mut octets).ok()?.len();
    (read == octets.len()).then_some(octets)
}
