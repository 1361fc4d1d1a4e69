//! Devices: who there is, who is approved, who is lost.

use std::sync::Arc;

use axum::extract::State;
use proseal_proto::id::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::EndedView;
use super::session::{Operator, Viewer};
use super::{List, Page, is_full};
use crate::domain::alarm::Alarm;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Path, Query};
use crate::office::view::DeviceView;
use crate::store::device;
use crate::value::{self, fingerprint, rfc3339};

/// A year: no token is good for longer.
const TOKEN_S_MAX: u64 = 366 * 24 * 3600;

/// Devices by id, and how each stands to its newest package.
#[utoipa::path(get, path = "/v1/devices", operation_id = "list_devices", tag = "devices", params(Page, ("after" = Option<String>, Query, description = "Entries behind this one: what `next` of the part before says", pattern = "^[0-9a-fA-F]{32}$")),
    responses((status = 200, description = "A part of the list", body = List<DeviceView>), Problems),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Viewer,
    Query(page): Query<Page>,
) -> Result<Json<List<DeviceView>>, Problem> {
    let after = page.after.as_deref().map(fingerprint).transpose().map_err(Problem::unusable)?;
    let limit = page.limit()?;
    let mut look = app.office.look().await?;
    let devices = device::page(&mut look.change, after.map(DeviceId), limit).await?;
    let is_full = is_full(devices.len(), limit);
    let next = devices.last().filter(|_| is_full).map(|last| last.id.to_string());
    let entries = look.view_devices(&devices).await?;
    look.leave().await?;
    Ok(Json(List { entries, next }))
}

/// What is known of a device.
#[utoipa::path(get, path = "/v1/devices/{device}", operation_id = "show_device", tag = "devices",
    params(("device" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "The device", body = DeviceView), Problems),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    _: Viewer,
    Path(named): Path<String>,
) -> Result<Json<DeviceView>, Problem> {
    let mut look = app.office.look().await?;
    let device = look.device(&named).await?;
    let view = look.view_device(&device).await?;
    look.leave().await?;
    Ok(Json(view))
}

/// What the secure console shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// The device id, 32 hexadecimal digits in any groups.
    #[schema(pattern = "^[ :]*([0-9a-fA-F][ :]*){32}$")]
    fingerprint: String,
}

/// A device that was approved.
#[derive(Serialize, ToSchema)]
pub(super) struct ApprovedView {
    device: DeviceView,
    /// Groups that got new keys, since an older radio of the same subscriber is lost now.
    ended: Vec<EndedView>,
}

/// Approves a device by the id that its secure console shows. Older radios of the same
/// subscriber are lost from then on.
#[utoipa::path(post, path = "/v1/devices/approve", tag = "devices", request_body = Approval,
    responses((status = 200, description = "It is approved", body = ApprovedView), Problems),
)]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    operator: Operator,
    Json(request): Json<Approval>,
) -> Result<Json<ApprovedView>, Problem> {
    let typed = fingerprint(&request.fingerprint).map(DeviceId).map_err(Problem::unusable)?;
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let (device, ended) = work.approve(typed).await?;
            let ended = ended.iter().map(|one| EndedView::new(one, work.now)).collect();
            Ok(ApprovedView { device: work.view_device(&device).await?, ended })
        })
    });
    Ok(Json(write.await?))
}

/// A device is lost, for good: it is excluded from all of its groups. What is left to do is
/// to carry each group's bundle.
#[utoipa::path(post, path = "/v1/devices/{device}/lost", tag = "devices",
    params(("device" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "The groups that got new keys", body = Vec<EndedView>), Problems),
)]
pub(super) async fn lost(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
) -> Result<Json<Vec<EndedView>>, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let device = work.device(&named).await?;
            let ended = work.lose(device).await?;
            Ok(ended.iter().map(|one| EndedView::new(one, work.now)).collect::<Vec<_>>())
        })
    });
    Ok(Json(write.await?))
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(super) struct AcceptedView {
    device: DeviceView,
    /// What its statement raises still.
    alarms: Vec<&'static str>,
    /// The groups that got a new key: of those before this device may have none.
    rotated: Vec<String>,
}

/// It is known why a device's sequence is older: its newest statement is the measure from
/// here on.
#[utoipa::path(post, path = "/v1/devices/{device}/accept-rollback", tag = "devices",
    params(("device" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "It is accepted", body = AcceptedView), Problems),
)]
pub(super) async fn accept_rollback(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
) -> Result<Json<AcceptedView>, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let device = work.device(&named).await?;
            let imported = work.accept_rollback(device).await?;
            Ok(AcceptedView {
                device: work.view_device(&imported.device).await?,
                alarms: imported.alarms.into_iter().map(Alarm::name).collect(),
                rotated: imported.rotated,
            })
        })
    });
    Ok(Json(write.await?))
}

/// Whose radio is to enrol.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvitationRequest {
    /// At most 31 letters, digits, `-`, `_` and `.`.
    #[schema(pattern = "^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$")]
    subscriber: String,
    /// The id that the radio's secure console shows: only that radio can use the token, and
    /// is approved by it.
    #[schema(pattern = "^[0-9a-fA-F]{32}$")]
    device: Option<String>,
    /// How long the token is good, seconds; at most a year.
    #[schema(minimum = 1, maximum = 31_622_400)]
    expires_s: u64,
}

/// A token, and what else its file has.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationView {
    /// One-time, base64url. Nobody can read it from the database.
    token: String,
    /// When it ends.
    expires_at: String,
    /// Where radios reach the manager, if its configuration says.
    url: Option<String>,
    /// The certificate authority of its servers, DER as base64url.
    authority: String,
    /// Fingerprint of the root key, hexadecimal.
    fingerprint: String,
}

/// Makes a one-time token by which a radio enrols.
#[utoipa::path(post, path = "/v1/invitations", tag = "devices", request_body = InvitationRequest,
    responses((status = 200, description = "A token", body = InvitationView), Problems),
)]
pub(super) async fn invite(
    State(app): State<Arc<App>>,
    operator: Operator,
    Json(request): Json<InvitationRequest>,
) -> Result<Json<InvitationView>, Problem> {
    let subscriber = value::name(&request.subscriber).map_err(Problem::unusable)?;
    let expected = request.device.as_deref().map(fingerprint).transpose();
    let expected = expected.map_err(Problem::unusable)?.map(DeviceId);
    let expires_s = request.expires_s;
    if !(1..=TOKEN_S_MAX).contains(&expires_s) {
        return Err(Problem::unusable("expires_s is 1 to 31622400"));
    }
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let invited = work.invite(&subscriber, expected, expires_s).await?;
            Ok((invited, work.authority_certificate().await?, work.identity.root.digest()))
        })
    });
    let (invited, authority, root) = write.await?;
    Ok(Json(InvitationView {
        token: (*invited.token).clone(),
        expires_at: rfc3339(invited.expires_at),
        url: app.url.clone(),
        authority: crate::http::wire::base64(&authority),
        fingerprint: value::hex(&root),
    }))
}
