//! Requests to a manager's server, over TLS whose certificates only the manager's authority
//! vouches for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::place::Place;
use super::problem::{ManagerError, Problem};

/// The most octets of an answer: a bundle's packages, each at most 15 KiB before base64url.
const ANSWER_MAX: u64 = 4 << 20;
/// For the connection with its handshake.
const CONNECT: Duration = Duration::from_secs(10);
/// For an answer, beyond the time that a request asks to wait.
const ANSWER: Duration = Duration::from_secs(30);

/// An answer with a status of success.
pub(super) struct Answer {
    /// None if there is no body (204).
    pub(super) body: Option<Value>,
    /// What the next statement can be over.
    pub(super) next_nonce: Option<String>,
}

/// What came of a request that was answered by a problem.
pub(super) struct Refused {
    pub(super) error: ManagerError,
    /// Seconds after which to come again, if the server says.
    pub(super) retry_after: Option<u64>,
}

/// A manager's server.
pub(super) struct Http {
    agent: Agent,
    url: String,
}

impl Http {
    pub(super) fn new(place: &Place) -> Self {
        let authority = Certificate::from_der(&place.authority).to_owned();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::new_with_certs(&[authority]))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .https_only(true)
            .max_redirects(0)
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("prosectl/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), url: place.url.clone() }
    }

    /// One request; `wait` is how long the server may take on purpose.
    pub(super) fn post(
        &self,
        path: &str,
        proof: Option<&str>,
        body: &Value,
        wait: Duration,
    ) -> Result<Answer, Refused> {
        let broken = |error: ureq::Error| Refused { error: self.broken(&error), retry_after: None };
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .config()
            .timeout_global(Some(CONNECT.saturating_add(ANSWER).saturating_add(wait)))
            .build();
        if let Some(proof) = proof {
            request = request.header("authorization", format!("ProSeal-Statement {proof}"));
        }
        let body = body.to_string();
        let mut response = request.content_type("application/json").send(&body).map_err(broken)?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (next_nonce, retry_after) = (header("next-nonce"), header("retry-after"));
        let status = response.status();
        let text =
            response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec().map_err(broken)?;
        if !status.is_success() {
            let problem: Problem = serde_json::from_slice(&text).unwrap_or_default();
            let error = ManagerError::of(status.as_u16(), &problem);
            return Err(Refused { error, retry_after: retry_after.and_then(|s| s.parse().ok()) });
        }
        if text.is_empty() {
            return Ok(Answer { body: None, next_nonce });
        }
        match serde_json::from_slice(&text) {
            Ok(body) => Ok(Answer { body: Some(body), next_nonce }),
            Err(error) => {
                let error = ManagerError::Malformed(error.to_string());
                Err(Refused { error, retry_after: None })
            }
        }
    }

    fn broken(&self, error: &ureq::Error) -> ManagerError {
        let url = self.url.clone();
        match certificate(error) {
            Some(why) => ManagerError::NotTrusted { url, why },
            None => ManagerError::Unreachable { url, why: error.to_string() },
        }
    }
}

/// Why a certificate, or what stands behind it, is not believed.
fn certificate(error: &ureq::Error) -> Option<String> {
    let tls = match error {
        ureq::Error::Rustls(error) => error,
        // What goes wrong in a handshake comes as an error of reading.
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    match tls {
        rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_) => {
            Some(tls.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
