//! What went wrong, as RFC 9457 problem details. The name is stable; nobody outside is
//! told what is wrong inside.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::domain::Refusal;
use crate::failure::Failure;
use crate::store::StoreError;

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:proseal:problem:` and the name.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// A stable short name, such as `not_approved`.
    name: &'static str,
    /// Seconds after which to come again.
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// The problems that any request may meet.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only what it says of itself is used, in the OpenAPI document")]
pub(crate) enum Problems {
    /// The request is malformed.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] Problem),
    /// Who asks did not say who he is, or not in a way that can be believed.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] Problem),
    /// A rule forbids it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    Unknown(#[to_schema] Problem),
    /// It took too long.
    #[response(status = 408, content_type = "application/problem+json")]
    Late(#[to_schema] Problem),
    /// It does not go with what there is.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] Problem),
    /// The body is too long.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLong(#[to_schema] Problem),
    /// The body is no JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    NoJson(#[to_schema] Problem),
    /// The values make no sense together.
    #[response(status = 422, content_type = "application/problem+json")]
    Unusable(#[to_schema] Problem),
    /// Too many requests.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] Problem),
    /// Something is wrong here.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(#[to_schema] Problem),
    /// Not now.
    #[response(status = 503, content_type = "application/problem+json")]
    NotNow(#[to_schema] Problem),
}

impl Problem {
    pub(crate) fn new(status: StatusCode, name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:proseal:problem:{name}"),
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            name,
            retry_after: None,
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(crate) fn unauthenticated(name: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, name, detail)
    }

    pub(crate) fn unusable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "usage", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Whose fault it is.
const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::ClockNotSet { .. } | Refusal::ClockBehind { .. } | Refusal::ClockAhead { .. } => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refusal::NonceUsed | Refusal::LateStatement => StatusCode::UNAUTHORIZED,
        Refusal::Lost { .. }
        | Refusal::NotApproved { .. }
        | Refusal::NotEnrolled { .. }
        | Refusal::ForeignRoot { .. }
        | Refusal::RolledBack { .. }
        | Refusal::UnknownDevice { .. }
        | Refusal::NotAuthorised { .. }
        | Refusal::BadToken
        | Refusal::TokenUsed
        | Refusal::TokenExpired => StatusCode::FORBIDDEN,
        Refusal::NoSuchFingerprint
        | Refusal::NotMember { .. }
        | Refusal::NotListed { .. }
        | Refusal::NoOperator { .. }
        | Refusal::NoNotice { .. } => StatusCode::NOT_FOUND,
        Refusal::ApprovedAlready { .. }
        | Refusal::TooManyOpen { .. }
        | Refusal::MovedOn { .. }
        | Refusal::NoGeneration
        | Refusal::MemberTaken { .. }
        | Refusal::OtherMember { .. }
        | Refusal::OtherName { .. }
        | Refusal::TooManyGroups { .. }
        | Refusal::TooManyLeft { .. }
        | Refusal::NoMemberId { .. }
        | Refusal::NoVersion
        | Refusal::NoSequence { .. } => StatusCode::CONFLICT,
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(status(&refusal), refusal.name(), refusal.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let name = failure.name();
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Usage(detail) => Self::unusable(detail),
            Failure::Unknown { what, .. } => {
                let detail = format!("there is no {what} of this id or name");
                Self::new(StatusCode::NOT_FOUND, "unknown", detail)
            }
            Failure::Taken(detail) => Self::new(StatusCode::CONFLICT, "taken", detail),
            Failure::Busy => {
                let detail = "too many requests wait";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, name, detail).after(1)
            }
            Failure::NotCommitted | Failure::Store(StoreError::Sql(_)) => {
                tracing::error!(error = %failure, "the database");
                let detail = "the database does not answer as it should; nothing was changed";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, name, detail).after(1)
            }
            failure => {
                tracing::error!(error = %failure, "a request failed");
                let detail = "this manager has a fault; its log says which";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}
