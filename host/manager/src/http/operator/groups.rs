//! Groups, and what their next keys are to be.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use proseal_proto::profile::{Profile, Suite};
use serde::Deserialize;
use utoipa::ToSchema;

use super::List;
use super::session::{Operator, Viewer};
use crate::domain::member::Joining;
use crate::domain::plan::Plan;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Object, Path};
use crate::office::view::GroupView;
use crate::store::group;
use crate::value;

/// What a group's next keys are to be; what is left out stays, or is as by default.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanRequest {
    /// `hkdf-sha256` or `3gpp-ts33303`.
    #[schema(pattern = "^(hkdf-sha256|3gpp-ts33303)$")]
    profile: Option<String>,
    /// `aead`, `integrity` or `3gpp`.
    #[schema(pattern = "^(aead|integrity|3gpp)$")]
    suite: Option<String>,
    /// The operator's own mark in the derivation, at most 32 octets.
    #[schema(max_length = 32)]
    label: Option<String>,
    /// How long a key is the newest.
    #[schema(minimum = 1, maximum = 316_224_000)]
    lifetime_s: Option<u64>,
    /// How long it goes on beside the one that follows.
    #[schema(maximum = 316_224_000)]
    overlap_s: Option<u64>,
    /// How many future keys members hold, 0 to 2.
    #[schema(maximum = 2)]
    ahead: Option<u8>,
    #[schema(maximum = 4_294_967_295_u32)]
    receive_grace_s: Option<u32>,
    #[schema(maximum = 4_294_967_295_u32)]
    send_grace_s: Option<u32>,
    /// Powered time without a new package after which sending stops; 0 is off.
    #[schema(maximum = 4_294_967_295_u32)]
    max_unsynced_s: Option<u32>,
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    epoch_s: Option<u32>,
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    epoch_packets: Option<u32>,
    accept_rollback: Option<bool>,
    /// Who may join by himself: `listed` or `approved`.
    #[schema(pattern = "^(listed|approved)$")]
    joining: Option<String>,
}

fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, Problem> {
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or_else(|| Problem::unusable(format!("there is none of the name {text:?}")))
}

impl PlanRequest {
    fn over(self, plan: Plan) -> Result<Plan, Problem> {
        let profile = self.profile.as_deref();
        let profile = profile.map(|text| named(Profile::ALL, Profile::name, text)).transpose()?;
        let suite = self.suite.as_deref();
        let suite = suite.map(|text| named(Suite::ALL, Suite::name, text)).transpose()?;
        let joining = self.joining.as_deref();
        let joining = joining.map(|text| named(Joining::ALL, Joining::name, text)).transpose()?;
        Ok(Plan {
            // Another profile has a suite of its own.
            suite: suite.or(plan.suite.filter(|_| profile.is_none())),
            profile: profile.unwrap_or(plan.profile),
            label: self.label.unwrap_or(plan.label),
            lifetime_s: self.lifetime_s.unwrap_or(plan.lifetime_s),
            overlap_s: self.overlap_s.unwrap_or(plan.overlap_s),
            ahead: self.ahead.unwrap_or(plan.ahead),
            receive_grace_s: self.receive_grace_s.unwrap_or(plan.receive_grace_s),
            send_grace_s: self.send_grace_s.unwrap_or(plan.send_grace_s),
            max_unsynced_s: self.max_unsynced_s.unwrap_or(plan.max_unsynced_s),
            epoch_s: self.epoch_s.unwrap_or(plan.epoch_s),
            epoch_packets: self.epoch_packets.unwrap_or(plan.epoch_packets),
            accept_rollback: self.accept_rollback.unwrap_or(plan.accept_rollback),
            joining: joining.unwrap_or(plan.joining),
        })
    }
}

/// A new group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupRequest {
    /// Its layer-2 id, 6 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{6}$")]
    group: String,
    /// At most 31 letters, digits, `-`, `_` and `.`.
    #[schema(pattern = "^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$")]
    name: Option<String>,
    /// What its keys are to be.
    #[serde(default)]
    #[schema(value_type = PlanRequest)]
    plan: Object<PlanRequest>,
}

/// All groups, by id.
#[utoipa::path(get, path = "/v1/groups", operation_id = "list_groups", tag = "groups",
    responses((status = 200, description = "All groups", body = List<GroupView>), Problems),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Viewer,
) -> Result<Json<List<GroupView>>, Problem> {
    let mut look = app.office.look().await?;
    let mut entries = Vec::new();
    for group in group::all(&mut look.change).await? {
        entries.push(look.view_group(&group).await?);
    }
    look.leave().await?;
    Ok(Json(List { entries, next: None }))
}

/// Makes a group, with its first key.
#[utoipa::path(post, path = "/v1/groups", operation_id = "add_group", tag = "groups", request_body = GroupRequest,
    responses((status = 201, description = "It is there", body = GroupView), Problems),
)]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    operator: Operator,
    Json(request): Json<GroupRequest>,
) -> Result<(StatusCode, Json<GroupView>), Problem> {
    let id = value::group(&request.group).map_err(Problem::unusable)?;
    let name = request.name.as_deref().map(value::group_name).transpose();
    let name = name.map_err(Problem::unusable)?;
    let plan = request.plan.0.over(Plan::default())?;
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.add_group(id, name, &plan).await?;
            work.view_group(&group).await
        })
    });
    Ok((StatusCode::CREATED, Json(write.await?)))
}

/// A group.
#[utoipa::path(get, path = "/v1/groups/{group}", operation_id = "show_group", tag = "groups",
    params(("group" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "The group", body = GroupView), Problems),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    _: Viewer,
    Path(named): Path<String>,
) -> Result<Json<GroupView>, Problem> {
    let mut look = app.office.look().await?;
    let group = look.group(&named).await?;
    let view = look.view_group(&group).await?;
    look.leave().await?;
    Ok(Json(view))
}

/// Changes what a group's next keys are to be; those that there are stay as they were.
#[utoipa::path(patch, path = "/v1/groups/{group}", operation_id = "change_group", tag = "groups", request_body = PlanRequest,
    params(("group" = String, Path, description = "Its id or name")),
    responses((status = 200, description = "The group", body = GroupView), Problems),
)]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(named): Path<String>,
    Json(request): Json<PlanRequest>,
) -> Result<Json<GroupView>, Problem> {
    // What is no value at all is told before there is a change.
    let mut look = app.office.look().await?;
    let group = look.group(&named).await?;
    look.leave().await?;
    let plan = request.over(group.plan())?;
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&named).await?;
            let group = work.change_group(&group, &plan).await?;
            work.view_group(&group).await
        })
    });
    Ok(Json(write.await?))
}
