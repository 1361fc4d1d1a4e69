//! Who is in a group, and who may join it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::{Operator, Viewer};
use super::{List, Page, is_full};
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Path, Query};
use crate::office::view::MemberView;
use crate::store::access::{self, Permit};
use crate::store::member;
use crate::value;

/// A group's members by member id, and how each stands to its newest package: who has
/// what, and who lags.
#[utoipa::path(get, path = "/v1/groups/{group}/members", operation_id = "list_members", tag = "members",
    params(("group" = String, Path, description = "Its id or name"), Page, ("after" = Option<String>, Query, description = "Entries behind this one: what `next` of the part before says", pattern = "^[0-9a-fA-F]{6}$")),
    responses((status = 200, description = "A part of the list", body = List<MemberView>), Problems),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Viewer,
    Path(named): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<List<MemberView>>, Problem> {
    let after = page.after.as_deref().map(value::member).transpose().map_err(Problem::unusable)?;
    let limit = page.limit()?;
    let mut look = app.office.look().await?;
    let group = look.group(&named).await?;
    let members = member::page(&mut look.change, group.id, after, limit).await?;
    let is_full = is_full(members.len(), limit);
    let next = members.last().filter(|_| is_full).map(|last| last.member.to_string());
    let entries = look.view_members(&members).await?;
    look.leave().await?;
    Ok(Json(List { entries, next }))
}

/// As whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberRequest {
    /// Its layer-2 id in the group, 6 hexadecimal digits.
    #[schema(pattern = "^[0-9a-fA-F]{6}$")]
    member: String,
    /// Whether it may send.
    may_send: bool,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedView {
    member: MemberView,
    /// The group got a new key: of those before the device may hold none.
    rotated: bool,
}

/// Puts a device into a group, or changes whether it may send.
#[utoipa::path(put, path = "/v1/groups/{group}/members/{device}", operation_id = "add_member", tag = "members", request_body = MemberRequest,
    params(
        ("group" = String, Path, description = "Its id or name"),
        ("device" = String, Path, description = "Its id or name"),
    ),
    responses((status = 200, description = "It is a member", body = AddedView), Problems),
)]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path((group, device)): Path<(String, String)>,
    Json(request): Json<MemberRequest>,
) -> Result<Json<AddedView>, Problem> {
    let id = value::member(&request.member).map_err(Problem::unusable)?;
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let (group, device) = (work.group(&group).await?, work.device(&device).await?);
            let added = work.add_member(&group, &device, id, request.may_send).await?;
            let joined = member::find(&mut work.change, group.id, device.id).await?;
            let missing = crate::store::StoreError::Damaged("a member is missing");
            let members = work.view_members(joined.as_slice()).await?;
            let member = members.into_iter().next().ok_or(missing)?;
            Ok(AddedView { member, rotated: added.is_rotated })
        })
    });
    Ok(Json(write.await?))
}

/// Takes a device out of a group by its next package; it holds the keys until then.
#[utoipa::path(delete, path = "/v1/groups/{group}/members/{device}", operation_id = "remove_member", tag = "members",
    params(
        ("group" = String, Path, description = "Its id or name"),
        ("device" = String, Path, description = "Its id or name"),
    ),
    responses((status = 204, description = "It is no member any more"), Problems),
)]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path((group, device)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let (group, device) = (work.group(&group).await?, work.device(&device).await?);
            work.remove_member(&group, device.id).await
        })
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who may join a group by himself.
#[derive(Serialize, ToSchema)]
pub(super) struct PermitView {
    subscriber: String,
    /// As whom, 6 hexadecimal digits; any id that is free if there is none.
    member: Option<String>,
    may_send: bool,
}

impl From<&Permit> for PermitView {
    fn from(permit: &Permit) -> Self {
        Self {
            subscriber: permit.subscriber.clone(),
            member: permit.member.map(|member| member.to_string()),
            may_send: permit.may_send,
        }
    }
}

/// The subscribers that may join a group by themselves.
#[utoipa::path(get, path = "/v1/groups/{group}/permits", tag = "members",
    params(("group" = String, Path, description = "Its id or name"), Page, ("after" = Option<String>, Query, description = "Entries behind this one: what `next` of the part before says", pattern = "^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$")),
    responses((status = 200, description = "A part of the list", body = List<PermitView>), Problems),
)]
pub(super) async fn permits(
    State(app): State<Arc<App>>,
    _: Viewer,
    Path(named): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<List<PermitView>>, Problem> {
    let after = page.after.as_deref().map(value::name).transpose().map_err(Problem::unusable)?;
    let limit = page.limit()?;
    let mut look = app.office.look().await?;
    let group = look.group(&named).await?;
    let permits =
        access::permits(&mut look.change, group.id, &after.unwrap_or_default(), limit).await?;
    look.leave().await?;
    let is_full = is_full(permits.len(), limit);
    let next = permits.last().filter(|_| is_full).map(|last| last.subscriber.clone());
    Ok(Json(List { entries: permits.iter().map(PermitView::from).collect(), next }))
}

/// What he may.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PermitRequest {
    /// As whom, 6 hexadecimal digits; any id that is free if there is none.
    #[schema(pattern = "^[0-9a-fA-F]{6}$")]
    member: Option<String>,
    /// Whether he may send.
    may_send: bool,
}

/// Lets a subscriber join a group, once his radio is approved.
#[utoipa::path(put, path = "/v1/groups/{group}/permits/{subscriber}", tag = "members", request_body = PermitRequest,
    params(
        ("group" = String, Path, description = "Its id or name"),
        ("subscriber" = String, Path, pattern = "^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$", description = "Whose token the radio enrolled with"),
    ),
    responses((status = 200, description = "He may", body = PermitView), Problems),
)]
pub(super) async fn allow(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path((group, subscriber)): Path<(String, String)>,
    Json(request): Json<PermitRequest>,
) -> Result<Json<PermitView>, Problem> {
    let member = request.member.as_deref().map(value::member).transpose();
    let permit = Permit {
        subscriber: value::name(&subscriber).map_err(Problem::unusable)?,
        member: member.map_err(Problem::unusable)?,
        may_send: request.may_send,
    };
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&group).await?;
            work.allow(&group, &permit).await?;
            Ok(PermitView::from(&permit))
        })
    });
    Ok(Json(write.await?))
}

/// Takes that back; who is a member stays one.
#[utoipa::path(delete, path = "/v1/groups/{group}/permits/{subscriber}", tag = "members",
    params(
        ("group" = String, Path, description = "Its id or name"),
        ("subscriber" = String, Path, pattern = "^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$", description = "Whose token the radio enrolled with"),
    ),
    responses((status = 204, description = "He may not any more"), Problems),
)]
pub(super) async fn forbid(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path((group, subscriber)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let write = app.writer.write(operator.who(), move |work| {
        Box::pin(async move {
            let group = work.group(&group).await?;
            work.forbid(&group, &subscriber).await
        })
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}
