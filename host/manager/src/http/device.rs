//! The device side. A device says who it is by a statement over a nonce of this manager,
//! in each request anew:
//!
//! ```text
//! Authorization: ProSeal-Statement <base64url of the statement>
//! ```
//!
//! Each answer has the next nonce in `Next-Nonce`. All but the nonce itself needs that.

mod enrol;
mod packages;
mod proof;
mod updates;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::response::Response;
use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, Problems};
use super::wire::{Json, base64};
use super::{App, Gate, gate, no_method, nothing};
use crate::value::rfc3339;

/// Longest body: a token, or nothing much.
const BODY_MAX: usize = 4096;
/// The next nonce, in each answer.
const NEXT_NONCE: HeaderName = HeaderName::from_static("next-nonce");

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "ProSeal manager, device side",
        description = "How a radio enrols, joins groups and gets its packages. Octets are base64url without padding, \
            ids hexadecimal, times RFC 3339 UTC, whole numbers without a point. Errors are RFC 9457 problem details with a stable `name`."
    ),
    modifiers(&Security),
    security(("statement" = []))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let about = "`ProSeal-Statement `, then the device's statement over a nonce of this manager, base64url";
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
            "authorization",
            about,
        )));
        document.components.get_or_insert_default().add_security_scheme("statement", scheme);
    }
}

/// A nonce to be answered.
#[derive(Serialize, ToSchema)]
struct NonceReply {
    /// 32 octets, base64url: what the statement is to be over.
    nonce: String,
    /// Seconds for which it is good.
    expires_in_s: u64,
    /// This manager's clock.
    time: String,
}

/// Gives a nonce. It is good for one request that changes anything.
#[utoipa::path(post, path = "/v1/nonce", tag = "device", security(()), responses(
    (status = 200, description = "A nonce", body = NonceReply), Problems,
))]
async fn nonce(State(app): State<Arc<App>>) -> Result<Json<NonceReply>, Problem> {
    let now = app.office.now();
    let nonce = base64(&app.nonces.give(now)?);
    Ok(Json(NonceReply { nonce, expires_in_s: crate::office::NONCE_S, time: rfc3339(now) }))
}

fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(crate::http::health))
        .routes(routes!(nonce))
        .routes(routes!(enrol::enrol))
        .routes(routes!(enrol::receipt))
        .routes(routes!(packages::join))
        .routes(routes!(packages::package))
        .routes(routes!(packages::bundle))
        .routes(routes!(updates::updates))
}

/// The OpenAPI document.
pub(crate) fn document() -> OpenApi {
    open().into_openapi()
}

/// All of it.
pub(crate) fn router(app: &Arc<App>, at: Arc<Gate>) -> Router {
    let (router, _) = open().split_for_parts();
    router
        .fallback(nothing)
        .method_not_allowed_fallback(no_method)
        // As one: each is a step of its own for every request.
        .layer((
            from_fn_with_state(at, gate),
            map_response_with_state(Arc::clone(app), next_nonce),
            DefaultBodyLimit::max(BODY_MAX),
        ))
        .with_state(Arc::clone(app))
}

async fn next_nonce(State(app): State<Arc<App>>, mut response: Response) -> Response {
    // Who gets none asks for one.
    if let Ok(nonce) = app.nonces.give(app.office.now())
        && let Ok(value) = HeaderValue::from_str(&base64(&nonce))
    {
        response.headers_mut().insert(NEXT_NONCE, value);
    }
    response
}
