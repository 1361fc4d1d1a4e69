//! The operator side. Operators sign in with a password and get a token for a session:
//!
//! ```text
//! Authorization: Bearer <token>
//! ```
//!
//! A viewer looks; an operator changes. Each change is in the audit under his name.

mod devices;
mod groups;
mod keys;
mod members;
mod overview;
mod page;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use serde::{Deserialize, Serialize};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{IntoParams, Modify, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::{App, Gate, gate, no_method, nothing};

/// Longest body.
const BODY_MAX: usize = 16 * 1024;
/// Entries of a page, if nobody says how many.
const PAGE: u32 = 100;
/// Most entries of a page.
const PAGE_MAX: u32 = 500;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "ProSeal manager, operator side",
        description = "Devices, groups, members and keys. Ids are hexadecimal, times RFC 3339 UTC, whole numbers without a point; devices and groups go by \
            id or name. Errors are RFC 9457 problem details with a stable `name`."
    ),
    modifiers(&Security),
    security(("session" = []))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("session", scheme);
    }
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Page {
    /// What it is like depends on the list.
    #[param(ignore)]
    after: Option<String>,
    /// Most entries, 1 to 500 [default: 100].
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

impl Page {
    /// Errors: a [`Problem`] for a number that is none.
    fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(PAGE) {
            limit @ 1..=PAGE_MAX => Ok(limit),
            _ => Err(Problem::unusable("limit is 1 to 500")),
        }
    }
}

/// Whether there are more entries behind a part of so many.
const fn is_full(entries: usize, limit: u32) -> bool {
    entries == limit as usize
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
struct List<T> {
    entries: Vec<T>,
    /// Where the next part begins, if there is one: for `after`.
    next: Option<String>,
}

fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(crate::http::health))
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(overview::status))
        .routes(routes!(overview::alarms))
        .routes(routes!(overview::audit))
        .routes(routes!(overview::accept_clock))
        .routes(routes!(overview::metrics))
        .routes(routes!(overview::openapi))
        .routes(routes!(overview::device_openapi))
        .routes(routes!(devices::list))
        .routes(routes!(devices::approve))
        .routes(routes!(devices::show))
        .routes(routes!(devices::lost))
        .routes(routes!(devices::accept_rollback))
        .routes(routes!(devices::invite))
        .routes(routes!(groups::list, groups::add))
        .routes(routes!(groups::show, groups::change))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::replace))
        .routes(routes!(keys::exclude))
        .routes(routes!(members::list))
        .routes(routes!(members::add, members::remove))
        .routes(routes!(members::permits))
        .routes(routes!(members::allow, members::forbid))
}

/// The OpenAPI document.
pub(crate) fn document() -> OpenApi {
    open().into_openapi()
}

/// All of it.
pub(crate) fn router(app: &Arc<App>, at: Arc<Gate>) -> Router {
    let (router, _) = open().split_for_parts();
    router
        .merge(page::router())
        .fallback(nothing)
        .method_not_allowed_fallback(no_method)
        .layer((from_fn_with_state(at, gate), DefaultBodyLimit::max(BODY_MAX)))
        .with_state(Arc::clone(app))
}
