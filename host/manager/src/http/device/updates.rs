//! A device waits for what is new.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use proseal_proto::id::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::packages::PackageReply;
use super::proof::{Proven, who};
use crate::domain::device::Standing;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::Json;
use crate::office::{Issued, context_with};
use crate::store::device::{self, Device};

/// Longest wait, seconds.
const WAIT_MAX_S: u64 = 60;
/// Not all who wait ask the database at once.
const SPREAD_MS: u64 = 500;

/// How long to wait.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdatesRequest {
    /// Seconds, at most 60.
    #[schema(maximum = 60)]
    wait_s: u64,
}

/// What is new.
#[derive(Serialize, ToSchema)]
pub(super) struct UpdatesReply {
    /// `pending`, `approved` or `lost`.
    standing: &'static str,
    /// A package that the device has not applied.
    package: Option<PackageReply>,
}

/// What came of looking once.
enum Look {
    Nothing(Standing),
    New(UpdatesReply),
}

/// Waits until there is a package that the device has not applied, or its standing
/// changes; says nothing (204) if neither comes in time.
#[utoipa::path(post, path = "/v1/updates", tag = "device", request_body = UpdatesRequest, responses(
    (status = 200, description = "Something is new", body = UpdatesReply),
    (status = 204, description = "Nothing came in that time"), Problems,
))]
pub(super) async fn updates(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
    Json(request): Json<UpdatesRequest>,
) -> Result<Response, Problem> {
    if request.wait_s > WAIT_MAX_S {
        return Err(Problem::unusable("wait_s is 60 at most"));
    }
    let waiting = tokio::time::sleep(Duration::from_secs(request.wait_s));
    tokio::pin!(waiting);
    let (id, asks) = (proof.statement.device.id(), who(&proof));
    // What was there before the look is seen by it.
    let mut revision = app.revision.clone();
    revision.mark_unchanged();
    let write = app.writer.write(asks.clone(), move |work| {
        Box::pin(async move {
            let device = work.report(&proof).await?;
            let issued = work.news(&device, None).await?;
            Ok((device, issued))
        })
    });
    let (device, issued) = write.await?;
    let standing = match look(&app, &device, None, issued) {
        Look::New(reply) => return Ok(Json(reply).into_response()),
        Look::Nothing(standing) => standing,
    };
    let _waiting = Waiting::begin(&app);
    let spread = u64::from(id.0.last().copied().unwrap_or(0)).saturating_mul(SPREAD_MS) / 256;
    let mut ending = app.ending.clone();
    loop {
        tokio::select! {
            changed = revision.changed() => if changed.is_err() { break },
            _ = ending.wait_for(|ending| *ending) => break,
            () = &mut waiting => break,
        }
        tokio::time::sleep(Duration::from_millis(spread)).await;
        if !is_news(&app, id, standing).await? {
            continue;
        }
        let context = context_with(&device.statement.device)?;
        let write = app.writer.write(asks.clone(), move |work| {
            Box::pin(async move {
                let device = work.known(id).await?;
                let issued = work.news(&device, Some(context)).await?;
                Ok((device, issued))
            })
        });
        let (device, issued) = write.await?;
        if let Look::New(reply) = look(&app, &device, Some(standing), issued) {
            return Ok(Json(reply).into_response());
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Looks without writing.
async fn is_news(app: &App, id: DeviceId, was: Standing) -> Result<bool, Problem> {
    let mut look = app.office.look().await?;
    let device = device::find(&mut look.change, id).await?;
    let is_news = match &device {
        Some(device) => device.standing != was || look.progress(device).await?.is_behind(),
        None => true,
    };
    look.leave().await?;
    Ok(is_news)
}

/// `was`: the standing before, if the device was told one.
fn look(app: &App, device: &Device, was: Option<Standing>, issued: Option<Issued>) -> Look {
    let standing = device.standing;
    if issued.is_none() && was.is_none_or(|was| was == standing) {
        return Look::Nothing(standing);
    }
    let package = issued.as_ref().map(|issued| {
        app.sealed(issued);
        issued.into()
    });
    Look::New(UpdatesReply { standing: standing.name(), package })
}

/// Counts who waits.
struct Waiting<'a>(&'a App);

impl<'a> Waiting<'a> {
    fn begin(app: &'a App) -> Self {
        app.metrics.waiting.fetch_add(1, Ordering::Relaxed);
        Self(app)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.metrics.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
