//! HTTP: the device side and the operator side, apart. Handlers translate between wire
//! and domain, and decide nothing.
//!
//! ```text
//! listener -> observe (log, count) -> limit (rate, time) -> who asks -> handler -> office
//! ```

pub(crate) mod device;
pub(crate) mod limit;
pub(crate) mod metrics;
pub(crate) mod operator;
pub(crate) mod problem;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, watch};

use self::limit::Limiter;
use self::metrics::{Metrics, Requests};
use self::problem::Problem;
use crate::office::{Nonces, Office, Writer};

/// What all handlers have.
pub(crate) struct App {
    pub(crate) office: Arc<Office>,
    pub(crate) writer: Writer,
    pub(crate) nonces: Nonces,
    pub(crate) metrics: Arc<Metrics>,
    /// Grows when members may need new packages.
    pub(crate) revision: watch::Receiver<u64>,
    /// So many passwords are hashed at once: each takes 19 MiB.
    pub(crate) passwords: Semaphore,
    /// Where radios reach this manager, if its configuration says.
    pub(crate) url: Option<String>,
    /// How long an operator is signed in, seconds.
    pub(crate) session_s: u64,
    /// Becomes true when the server is to end.
    pub(crate) ending: watch::Receiver<bool>,
}

/// Who has connected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// One listener's part of what stands before its handlers.
pub(crate) struct Gate {
    pub(crate) name: &'static str,
    pub(crate) limiter: Limiter,
    pub(crate) metrics: Arc<Metrics>,
    /// Longest time of a request.
    pub(crate) most: Duration,
}

impl Gate {
    pub(crate) fn requests(&self) -> &Requests {
        if self.name == "device" { &self.metrics.device } else { &self.metrics.operator }
    }
}

/// Logs and counts a request, ends one that takes too long, and refuses a peer that asks
/// too often.
pub(crate) async fn gate(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let peer = request.extensions().get::<Peer>().copied();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    // The path itself is whatever the peer likes, and is not logged.
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let is_admitted = peer.is_none_or(|peer| gate.limiter.admits(peer.0.ip(), began));
    let response = if !is_admitted {
        gate.requests().limited.fetch_add(1, Ordering::Relaxed);
        let detail = "this peer asks too often";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
            .after(1)
            .into_response()
    } else {
        tokio::time::timeout(gate.most, next.run(request)).await.unwrap_or_else(|_| {
            let detail = "the request took too long";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail).into_response()
        })
    };
    let (status, took) = (response.status().as_u16(), began.elapsed());
    gate.requests().count(status, took);
    let peer = peer.map(|peer| peer.0.to_string()).unwrap_or_default();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(listener = gate.name, %peer, %method, route, status, ms, "request");
    response
}

/// Whether this process serves: no more is said to who did not say who he is.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "It serves, and its database answers", body = String, content_type = "text/plain"),
    (status = 503, description = "It does not", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many requests", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn health(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if *app.ending.borrow() {
        let detail = "this process ends";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", detail));
    }
    app.office.look().await?.leave().await?;
    Ok("ok\n")
}

/// Where nothing is.
pub(crate) async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_path", "there is nothing at this path")
}

/// A method that the path does not have.
pub(crate) async fn no_method() -> Problem {
    let detail = "the path does not have this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
}
