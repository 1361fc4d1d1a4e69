//! What comes in: bodies, paths and queries as types, and what is none as a problem. What
//! goes out: octets as base64url without padding.

use std::fmt;
use std::marker::PhantomData;

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::problem::Problem;

/// A body of JSON: an object.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(Object(value)) = axum::Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// What is an object in JSON. Serde takes an array of the values for one, too, which no
/// document of ours says.
pub(crate) struct Object<T>(pub(crate) T);

impl<T: Default> Default for Object<T> {
    fn default() -> Self {
        Self(T::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        a: u8,
        b: Option<u8>,
    }

    #[test]
    fn an_object_is_no_array() {
        let read =
            |text| serde_json::from_str::<Object<Pair>>(text).map(|Object(pair)| (pair.a, pair.b));
        assert_eq!(read(r#"{"a":1}"#).unwrap(), (1, None));
        for wrong in ["[1,2]", "null", "1", r#"{"a":1,"c":2}"#, r#"{"b":1}"#, r#"{"a":1,"a":1}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
