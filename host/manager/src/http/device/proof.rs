//! Who a device is: a statement over a nonce of this manager, checked before any handler.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use proseal_issuer::{Kind, Statement};
use zeroize::Zeroizing;

use crate::http::App;
use crate::http::problem::Problem;
use crate::http::wire::octets;
use crate::office::Proof;

const SCHEME: &str = "ProSeal-Statement ";

/// A device that has proved who it is. Whether it is known is asked in the change.
pub(super) struct Proven(pub(super) Proof);

impl FromRequestParts<Arc<App>> for Proven {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let none = || {
            let detail =
                "say who you are: Authorization: ProSeal-Statement, a statement over a nonce";
            Problem::unauthenticated("no_statement", detail)
        };
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(none)?;
        let text = header.to_str().ok().and_then(|text| text.strip_prefix(SCHEME));
        let octets = octets(text.ok_or_else(none)?, Kind::Statement.max());
        let octets = octets.ok_or_else(none)?;
        let statement = Statement::verify(&octets)
            .map_err(|error| Problem::unauthenticated("bad_statement", &error.to_string()))?;
        let expires_at = app.nonces.check(&statement.nonce, app.office.now()).ok_or_else(|| {
            let detail = "the statement is over no nonce of this manager, or over an old one";
            Problem::unauthenticated("bad_nonce", detail)
        })?;
        Ok(Self(Proof { statement, octets, expires_at }))
    }
}

/// Who it was, for the audit.
pub(super) fn who(proof: &Proof) -> String {
    format!("device {}", proof.statement.device.id())
}

/// A token of base64url, of a length that one can have.
pub(super) fn token(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    octets(text, 64).map(Zeroizing::new)
}
