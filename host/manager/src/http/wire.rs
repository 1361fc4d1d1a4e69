//! What comes in: bodies, paths and queries as types, and what is none as a problem. What
//! goes out: octets as base64url without padding.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;

use super::problem::Problem;

/// A body of JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

/// The query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let name = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_long",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "no_json",
            StatusCode::UNPROCESSABLE_ENTITY => "usage",
            _ => "malformed",
        };
        Self::new(rejection.status(), name, rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "malformed", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "malformed", rejection.body_text())
    }
}

/// Octets as text.
pub(crate) fn base64(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

/// Text as at most `most` octets.
pub(crate) fn octets(text: &str, most: usize) -> Option<Vec<u8>> {
    // Four letters are three octets.
    if text.len() > most.saturating_mul(4).div_ceil(3) {
        return None;
    }
    Base64UrlUnpadded::decode_vec(text).ok()
}
