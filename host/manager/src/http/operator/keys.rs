//! A group's keys: the next one with an overlap, or at once.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::Operator;
use crate::domain::timeline::Timeline;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Path};
use crate::office::Ended;
use crate::office::view::{GenerationView, generations};
use crate::store::group::Group;

/// The keys of a group from here on.
#[derive(Serialize, ToSchema)]
pub(super) struct KeysView {
    /// The group's id.
    pub(super) group: String,
    /// There was something to do.
    changed: bool,
    /// The generation in use.
    generation: Option<u64>,
    generations: Vec<GenerationView>,
}

impl KeysView {
    fn new(group: &Group, timeline: &Timeline, now: u64, changed: bool) -> Self {
        Self {
            group: group.id.to_string(),
            changed,
            generation: timeline.current(now).map(|span| span.generation.get()),
            generations: generations(timeline, now),
        }
    }
}

/// A group whose keys were ended. Its members need their packages at once.
#[derive(Serialize, ToSchema)]
pub(super) struct EndedView {
    /// The group's id.
    pub(super) group: String,
    /// All below is ended.
    below: u64,
    /// The generation in use.
    generation: Option<u64>,
    generations: Vec<GenerationView>,
}

impl EndedView {
    pub(super) fn new(ended: &Ended, now: u64) -> Self {
        let Ended { group, timeline } = ended;
        Self {
            group: group.id.to_string(),
            below: timeline.next,
            generation: timeline.current(now).map(|span| span.generation.get()),
            generations: generations(timeline, now),
        }
    }
}

/// How to rotate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotation {
    /// Only add future keys, until members can hold as many as the group wants.
    pub(super) extend: bool,
    /// Only if this generation is in use still, 0 if none is: so that a request which is said
    /// again, since its answer was lost, is done once.
    pub(super) generation: Option<u64>,
}

/// The group's next key begins now; the one in use goes on for the overlap.
#[utoipa::path(post, path = "/v1/groups/{group}/rotate", tag = "keys", request_body = Rotation,
    params(("group" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "Its keys from here on", body = KeysView), Problems),
)]
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
    Json(request): Json<Rotation>,
) -> Result<Json<KeysView>, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&named).await?;
            work.expect_in_use(&group, request.generation).await?;
            let (timeline, changed) = match request.extend {
                true => work.extend(&group).await?,
                false => (work.rotate(&group).await?, true),
            };
            Ok(KeysView::new(&group, &timeline, work.now, changed))
        })
    });
    Ok(Json(write.await?))
}

/// All keys of a group end at once, future ones too, and new ones begin.
#[utoipa::path(post, path = "/v1/groups/{group}/replace", tag = "keys",
    params(("group" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "Its keys from here on", body = EndedView), Problems),
)]
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
) -> Result<Json<EndedView>, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&named).await?;
            let timeline = work.replace_keys(&group).await?;
            Ok(EndedView::new(&Ended { group, timeline }, work.now))
        })
    });
    Ok(Json(write.await?))
}

/// Who is to be out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exclusion {
    /// The device's id or name.
    pub(super) device: String,
    /// Only if this generation is in use still, 0 if none is.
    pub(super) generation: Option<u64>,
}

/// All that a device holds of a group ends; the others get a new key.
#[utoipa::path(post, path = "/v1/groups/{group}/exclude", tag = "keys", request_body = Exclusion,
    params(("group" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "Its keys from here on", body = EndedView), Problems),
)]
pub(super) async fn exclude(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
    Json(request): Json<Exclusion>,
) -> Result<Json<EndedView>, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&named).await?;
            let device = work.device(&request.device).await?;
            work.expect_in_use(&group, request.generation).await?;
            let timeline = work.exclude(&group, device.id).await?;
            Ok(EndedView::new(&Ended { group, timeline }, work.now))
        })
    });
    Ok(Json(write.await?))
}
