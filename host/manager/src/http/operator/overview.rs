//! How all stands: the manager, its alarms, its audit, its clock, its counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;

use super::session::{Operator, Viewer};
use super::{List, Page, is_full};
use crate::domain::alarm::Alarm;
use crate::domain::clock::{self, AHEAD_MAX};
use crate::domain::device::Standing;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Query};
use crate::store::{device, group, manager};
use crate::value::{fingerprint, grouped, rfc3339};
use proseal_proto::id::DeviceId;

/// How all stands.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusView {
    /// The manager's id, 32 hexadecimal digits.
    manager: String,
    /// The root key's fingerprint, in groups of four digits.
    fingerprint: String,
    /// The version of the present signer.
    signer_version: u32,
    /// `sqlite` or `postgresql`.
    database: &'static str,
    /// This machine's clock.
    pub(super) clock: String,
    /// Why nothing is signed by that clock: `clock_not_set`, `clock_behind`, `clock_ahead`.
    pub(super) clock_refused: Option<&'static str>,
    /// When the newest change was made.
    newest_change: String,
    /// Devices that wait for approval.
    pub(super) pending: u64,
    /// Devices that are approved.
    pub(super) approved: u64,
    /// Devices that are lost.
    pub(super) lost: u64,
    /// How many groups there are.
    groups: u64,
}

/// How all stands.
#[utoipa::path(get, path = "/v1/status", tag = "overview",
    responses((status = 200, description = "How all stands", body = StatusView), Problems),
)]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    _: Viewer,
) -> Result<Json<StatusView>, Problem> {
    let mut look = app.office.look().await?;
    let counts = device::counts(&mut look.change).await?;
    let groups = group::count(&mut look.change).await?;
    let (identity, now) = (look.identity, look.now);
    look.leave().await?;
    let count = |of| counts.iter().find(|(standing, _)| *standing == of).map_or(0, |(_, n)| *n);
    let refused = clock::check(now, identity.newest_change, false).err();
    Ok(Json(StatusView {
        manager: identity.manager.to_string(),
        fingerprint: grouped(&identity.root.digest()),
        signer_version: identity.signer,
        database: app.office.store.backend().name(),
        clock: rfc3339(now),
        clock_refused: refused.map(|refusal| refusal.name()),
        newest_change: rfc3339(identity.newest_change),
        pending: count(Standing::Pending),
        approved: count(Standing::Approved),
        lost: count(Standing::Lost),
        groups,
    }))
}

/// A device about which something is wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct AlarmView {
    pub(super) device: String,
    pub(super) name: Option<String>,
    /// `rolled_back`, `foreign_root`: nothing is sealed for it; `floor_ahead`.
    pub(super) alarms: Vec<&'static str>,
}

/// Devices whose statements say that something is wrong, by id. Those that are lost are
/// left out.
#[utoipa::path(get, path = "/v1/alarms", tag = "overview", params(Page, ("after" = Option<String>, Query, description = "Entries behind this one: what `next` of the part before says", pattern = "^[0-9a-fA-F]{32}$")),
    responses((status = 200, description = "A part of the list", body = List<AlarmView>), Problems),
)]
pub(super) async fn alarms(
    State(app): State<Arc<App>>,
    _: Viewer,
    Query(page): Query<Page>,
) -> Result<Json<List<AlarmView>>, Problem> {
    let after = page.after.as_deref().map(fingerprint).transpose().map_err(Problem::unusable)?;
    let limit = page.limit()?;
    let mut look = app.office.look().await?;
    let latest = look.now.saturating_add(AHEAD_MAX);
    let after = after.map(DeviceId);
    let devices = device::alarmed(&mut look.change, latest, after, limit).await?;
    let is_full = is_full(devices.len(), limit);
    let next = devices.last().filter(|_| is_full).map(|last| last.id.to_string());
    let view = |device: &device::Device| AlarmView {
        device: device.id.to_string(),
        name: device.name.clone(),
        alarms: look.alarms(device).into_iter().map(Alarm::name).collect(),
    };
    let entries = devices.iter().map(view).collect();
    look.leave().await?;
    Ok(Json(List { entries, next }))
}

/// A change.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangeView {
    /// Counts the changes.
    number: u64,
    at: String,
    /// A Unix user, an operator, a device, or the server itself.
    who: String,
    what: String,
}

/// The changes, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "overview", params(Page, ("after" = Option<String>, Query, description = "Entries behind this one: what `next` of the part before says", pattern = "^[0-9]{1,18}$")),
    responses((status = 200, description = "A part of the list", body = List<ChangeView>), Problems),
)]
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    _: Viewer,
    Query(page): Query<Page>,
) -> Result<Json<List<ChangeView>>, Problem> {
    let before = page.after.as_deref().map(str::parse::<u64>).transpose();
    let before = before.map_err(|_| Problem::unusable("after is a change's number"))?;
    let before = before.map(|number| number.min(i64::MAX as u64));
    let limit = page.limit()?;
    let mut look = app.office.look().await?;
    let changes = manager::audited(&mut look.change, before, limit).await?;
    look.leave().await?;
    let is_full = is_full(changes.len(), limit);
    let next = changes.last().filter(|_| is_full).map(|last| last.number.to_string());
    let entries = changes.into_iter().map(|change| ChangeView {
        number: change.number,
        at: rfc3339(change.at),
        who: change.who,
        what: change.what,
    });
    Ok(Json(List { entries: entries.collect(), next }))
}

/// This machine's clock was compared with another one, and is right: the next change takes
/// it for right.
#[utoipa::path(post, path = "/v1/clock/accept", tag = "overview",
    responses((status = 204, description = "It is taken for right"), Problems),
)]
pub(super) async fn accept_clock(
    State(app): State<Arc<App>>,
    operator: Operator,
) -> Result<StatusCode, Problem> {
    app.office.accept_clock();
    let write = app.writer.write(operator.who(), |work| {
        Box::pin(async move {
            work.note("the clock was compared, and is right");
            Ok(())
        })
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counters, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "overview",
    responses((status = 200, description = "Counters", body = String, content_type = "text/plain"), Problems),
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    _: Viewer,
) -> ([(HeaderName, &'static str); 1], String) {
    let counts = &app.writer.counts;
    let text = app.metrics.text(&[
        ("prose_manager_commits_total", "counter", counts.commits.load(Ordering::Relaxed)),
        ("prose_manager_jobs_total", "counter", counts.jobs.load(Ordering::Relaxed)),
    ]);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// The OpenAPI document of this side.
#[utoipa::path(get, path = "/v1/openapi/operator.json", tag = "overview",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"), Problems),
)]
pub(super) async fn openapi(_: Viewer) -> Json<OpenApi> {
    Json(super::document())
}

/// The OpenAPI document of the device side.
#[utoipa::path(get, path = "/v1/openapi/device.json", tag = "overview",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json"), Problems),
)]
pub(super) async fn device_openapi(_: Viewer) -> Json<OpenApi> {
    Json(crate::http::device::document())
}
