//! A device enrols by a token, and reports what it has applied.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::proof::{Proven, token, who};
use crate::domain::Refusal;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::Json;
use crate::office::view::DeviceView;

/// What the token file says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrolRequest {
    /// The one-time token, base64url.
    #[schema(max_length = 86)]
    token: String,
}

/// What the device is here from now on.
#[derive(Serialize, ToSchema)]
pub(super) struct EnrolReply {
    /// The device's id.
    device: String,
    /// Whose token it was.
    subscriber: String,
    /// `approved`, or `pending`: an operator has to compare the device id first.
    standing: &'static str,
}

/// Enrols a device by a one-time token. Again with the same token, after an answer that was
/// lost, it is the same.
#[utoipa::path(post, path = "/v1/enrol", tag = "device", request_body = EnrolRequest, responses(
    (status = 200, description = "It is enrolled", body = EnrolReply), Problems,
))]
pub(super) async fn enrol(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
    Json(request): Json<EnrolRequest>,
) -> Result<Json<EnrolReply>, Problem> {
    let token = token(&request.token).ok_or(Refusal::BadToken)?;
    let write = app
        .writer
        .write(who(&proof), move |work| Box::pin(async move { work.enrol(&proof, &token).await }));
    let enrolled = write.await?.inspect_err(|_| app.refused())?;
    app.metrics.enrolled.fetch_add(1, Ordering::Relaxed);
    Ok(Json(EnrolReply {
        device: enrolled.device.id.to_string(),
        subscriber: enrolled.subscriber,
        standing: enrolled.device.standing.name(),
    }))
}

/// Takes the statement as a receipt, and says how the device stands.
#[utoipa::path(post, path = "/v1/receipt", tag = "device", responses(
    (status = 200, description = "What is known of the device", body = DeviceView), Problems,
))]
pub(super) async fn receipt(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
) -> Result<Json<DeviceView>, Problem> {
    let write = app.writer.write(who(&proof), move |work| {
        Box::pin(async move {
            let device = work.report(&proof).await?;
            work.view_device(&device).await
        })
    });
    Ok(Json(write.await?))
}
