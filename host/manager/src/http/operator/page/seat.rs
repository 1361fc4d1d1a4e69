//! Who sits before the page: a session in a cookie that no script, no other site and no
//! connection in clear gets, and forms that only this page has made.

use std::sync::Arc;

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::super::session::{self, Operator, Viewer};
use super::trouble::Trouble;
use crate::http::App;
use crate::http::problem::Problem;
use crate::office::{Role, User};

/// Its prefix makes browsers take it from this host alone (RFC 6265bis section 4.1.3).
const COOKIE_NAME: &str = "__Host-session";
/// What is authenticated to make a form's token of a session's.
const FORM: &[u8] = b"prose-manager: a form of this session";

/// Who is signed in, and by which session.
pub(super) struct Seat {
    pub(super) user: User,
    token: Zeroizing<String>,
}

impl Seat {
    pub(super) const fn viewer(&self) -> Viewer {
        Viewer::of(&self.user)
    }

    pub(super) fn is_operator(&self) -> bool {
        self.user.role >= Role::Operator
    }

    /// What each form of this session brings back. Other sites cannot read it, and nobody can
    /// make the session's own token of it.
    pub(super) fn form_token(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.form_mac().finalize().into_bytes())
    }

    fn made(&self, form_token: &str) -> bool {
        let tag = Base64UrlUnpadded::decode_vec(form_token).unwrap_or_default();
        self.form_mac().verify_slice(&tag).is_ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn form_mac(&self) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.token.as_bytes());
        mac.expect("HMAC takes a key of any length").chain_update(FORM)
    }
}

/// The header that begins a session in a browser.
pub(super) fn cookie(token: &str) -> String {
    format!("{COOKIE_NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// The header that ends it.
pub(super) fn no_cookie() -> String {
    format!("{}; Max-Age=0", cookie(""))
}

fn token(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, token) = pairs.find(|(name, _)| name.trim() == COOKIE_NAME)?;
    Some(token.trim().to_owned().into())
}

impl FromRequestParts<Arc<App>> for Seat {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Trouble> {
        let token = token(&parts.headers).ok_or(Trouble::SignIn)?;
        let user = session::user(app, &token).await?;
        Ok(Self { user, token })
    }
}

/// A form that this page sent, not another site's: browsers say from where it comes.
pub(super) struct Own;

impl FromRequestParts<Arc<App>> for Own {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Trouble> {
        if is_own(&parts.headers) { Ok(Self) } else { Err(foreign()) }
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let (origin, host) = (text(ORIGIN.as_str()), text(HOST.as_str()));
    let rest = origin.and_then(|origin| origin.strip_prefix("https://"));
    rest.is_some_and(|of| host == Some(of))
}

fn foreign() -> Trouble {
    let detail =
        "this form is not from a page of this manager and this session: open the page again";
    Trouble::Problem(Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail))
}

/// What a form brings.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    form: String,
    generation: Option<u64>,
}

/// A form of this session.
pub(super) struct Asked {
    seat: Seat,
    /// The generation that was in use on the page it is from; 0 is none.
    pub(super) generation: Option<u64>,
}

impl Asked {
    /// Errors: for a viewer.
    pub(super) fn operator(&self) -> Result<Operator, Trouble> {
        Ok(Operator::of(self.seat.user.clone())?)
    }

    pub(super) fn session(self) -> (User, Zeroizing<String>) {
        (self.seat.user, self.seat.token)
    }
}

impl FromRequest<Arc<App>> for Asked {
    type Rejection = Trouble;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        Own::from_request_parts(&mut parts, app).await?;
        let seat = Seat::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let Form(fields) = Form::<Fields>::from_request(request, app).await?;
        if !seat.made(&fields.form) {
            return Err(foreign());
        }
        Ok(Self { seat, generation: fields.generation })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_form_is_this_pages_own_or_refused() {
        let host = ("host", "a.example:8444");
        for (own, more) in [
            (true, [host, ("origin", "https://a.example:8444")]),
            (true, [host, ("sec-fetch-site", "same-origin")]),
            (false, [host, ("origin", "https://b.example:8444")]),
            (false, [host, ("origin", "http://a.example:8444")]),
            (false, [host, ("origin", "null")]),
            (false, [host, ("sec-fetch-site", "cross-site")]),
            (false, [host, ("accept", "text/html")]),
        ] {
            assert_eq!(is_own(&headers(&more)), own, "{more:?}");
        }
        assert!(!is_own(&headers(&[])));
    }

    #[test]
    fn a_forms_token_is_of_one_session() {
        let seat = |token: &str| Seat {
            user: User { name: "a".into(), role: Role::Viewer },
            token: token.to_owned().into(),
        };
        let made = seat("one").form_token();
        assert!(seat("one").made(&made));
        assert!(!seat("two").made(&made) && !seat("one").made("") && !seat("one").made("?"));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let found = |text| token(&headers(&[("cookie", text)])).map(|token| (*token).clone());
        assert_eq!(found("a=b; __Host-session=xyz; c=d").as_deref(), Some("xyz"));
        assert_eq!(found("a=b; session=xyz"), None);
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
