//! The operator's page: what the operator side does, for people with a browser. Made here
//! whole, without scripts; each page asks the same handlers as programs do, and decides
//! nothing.
//!
//! ```text
//! cookie -> seat (who sits there) -> the handler of the same request -> HTML
//! form   -> its origin and token  -> the handler of the same request -> to the next page
//! ```

mod act;
mod devices;
mod groups;
mod layout;
mod seat;
mod sign_in;
mod timeline;
mod trouble;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;

use self::seat::Seat;
use crate::http::App;

/// Nothing but this server's own stylesheet and icon; forms go nowhere else, and no other page
/// frames these.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

/// Of every answer. A referrer stays here: without any, browsers would hide a form's origin.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", get(groups::show))
        .route("/groups/{group}/rotate", get(act::ask_rotate).post(act::rotate))
        .route("/groups/{group}/exclude/{device}", get(act::ask_exclude).post(act::exclude))
        .route("/devices", get(devices::list))
        .route("/devices/{device}", get(devices::show))
        .route("/devices/{device}/lost", get(act::ask_lost).post(act::lost))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .layer(map_response(guarded))
}

async fn home(_: Seat) -> Redirect {
    Redirect::to("/groups")
}

/// With the headers that browsers guard it by; what they may keep says so itself.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn kept(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, text).into_response()
}

async fn style() -> Response {
    kept("text/css; charset=utf-8", include_str!("page/style.css"))
}

async fn icon() -> Response {
    kept("image/svg+xml", include_str!("page/icon.svg"))
}

fn html(page: Markup) -> Html<String> {
    Html(page.into_string())
}
