//! What a device gets: its package when it joins or asks, and what it carries to others.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use proseal_proto::id::MemberId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::proof::{Proven, who};
use crate::domain::Refusal;
use crate::http::App;
use crate::http::problem::{Problem, Problems};
use crate::http::wire::{Json, Path, base64};
use crate::office::{Bundle, Issued, context_with};
use crate::value::{self, hex};

/// A package, sealed to one device.
#[derive(Serialize, ToSchema)]
pub(super) struct PackageReply {
    /// Its sequence.
    pub(super) sequence: u64,
    /// Its digest, as the device's statement tells it; hexadecimal.
    pub(super) digest: String,
    /// It was made now; else it is the last one again, octet by octet.
    pub(super) is_new: bool,
    /// The package, base64url.
    pub(super) package: String,
}

impl From<&Issued> for PackageReply {
    fn from(issued: &Issued) -> Self {
        Self {
            sequence: issued.made.sequence,
            digest: hex(&issued.made.digest),
            is_new: issued.is_new,
            package: base64(&issued.made.octets),
        }
    }
}

/// What a device is in a group, and its package for it.
#[derive(Serialize, ToSchema)]
pub(super) struct JoinReply {
    /// The group's id.
    group: String,
    /// The group's name.
    name: Option<String>,
    /// The device's id in it.
    member: String,
    /// Whether it may send.
    may_send: bool,
    package: PackageReply,
}

/// Joins a group, if the group's rule lets the device in. A member gets the same again.
#[utoipa::path(post, path = "/v1/groups/{group}/join", tag = "device",
    params(("group" = String, Path, pattern = "^[0-9a-fA-F]{6}$", description = "The group's id, 6 hexadecimal digits")),
    responses((status = 200, description = "It is a member", body = JoinReply), Problems),
)]
pub(super) async fn join(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
    Path(group): Path<String>,
) -> Result<Json<JoinReply>, Problem> {
    let group = value::group(&group).map_err(Problem::unusable)?;
    let context = context_with(&proof.statement.device)?;
    let write = app.writer.write(who(&proof), move |work| {
        Box::pin(async move {
            let device = work.report(&proof).await?;
            work.join(&device, group, context).await
        })
    });
    let joined = write.await?.inspect_err(|_| app.refused())?;
    app.sealed(&joined.issued);
    app.metrics.joined.fetch_add(1, Ordering::Relaxed);
    Ok(Json(JoinReply {
        group: joined.group.id.to_string(),
        name: joined.group.name,
        member: joined.member.member.to_string(),
        may_send: joined.member.may_send,
        package: (&joined.issued).into(),
    }))
}

/// The device's package: the last one if it says what is wanted still, else a new one.
#[utoipa::path(post, path = "/v1/package", tag = "device", responses(
    (status = 200, description = "Its package", body = PackageReply), Problems,
))]
pub(super) async fn package(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
) -> Result<Json<PackageReply>, Problem> {
    let write = app.writer.write(who(&proof), move |work| {
        Box::pin(async move {
            let device = work.report(&proof).await?;
            work.fetch(&device, None).await
        })
    });
    let issued = write.await?.inspect_err(|_| app.refused())?;
    app.sealed(&issued);
    Ok(Json((&issued).into()))
}

/// Which part of a bundle.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BundleRequest {
    /// Members above this id; from the first if there is none.
    #[schema(pattern = "^[0-9a-fA-F]{6}$")]
    after: Option<String>,
}

/// What a member carries to the others of its group.
#[derive(Serialize, ToSchema)]
pub(super) struct BundleReply {
    /// The group's newest notice, base64url; nothing was ended if there is none.
    notice: Option<String>,
    /// Packages, each for one member; at most 64.
    packages: Vec<BundleEntry>,
    /// Where the next part begins, if there is one: for `after`.
    next: Option<String>,
}

/// A package of a bundle.
#[derive(Serialize, ToSchema)]
pub(super) struct BundleEntry {
    /// Whose it is.
    device: String,
    /// His id in the group.
    member: String,
    package: PackageReply,
}

/// The notice and the members' packages of a group, for any member: nobody but a package's
/// own device can open it.
#[utoipa::path(post, path = "/v1/groups/{group}/bundle", tag = "device", request_body = BundleRequest,
    params(("group" = String, Path, pattern = "^[0-9a-fA-F]{6}$", description = "The group's id, 6 hexadecimal digits")),
    responses((status = 200, description = "A part of the bundle", body = BundleReply), Problems),
)]
pub(super) async fn bundle(
    State(app): State<Arc<App>>,
    Proven(proof): Proven,
    Path(group): Path<String>,
    Json(request): Json<BundleRequest>,
) -> Result<Json<BundleReply>, Problem> {
    let group = value::group(&group).map_err(Problem::unusable)?;
    let after = request.after.as_deref().map(value::member).transpose();
    let after: Option<MemberId> = after.map_err(Problem::unusable)?;
    let write = app.writer.write(who(&proof), move |work| {
        Box::pin(async move {
            let device = work.report(&proof).await?;
            work.bundle(&device, group, after).await
        })
    });
    let bundle: Result<Bundle, Refusal> = write.await?;
    let bundle = bundle.inspect_err(|_| app.refused())?;
    for entry in &bundle.entries {
        app.sealed(&entry.issued);
    }
    let packages = bundle.entries.iter().map(|entry| BundleEntry {
        device: entry.device.to_string(),
        member: entry.member.to_string(),
        package: (&entry.issued).into(),
    });
    Ok(Json(BundleReply {
        notice: bundle.notice.as_deref().map(base64),
        packages: packages.collect(),
        next: bundle.next.map(|member| member.to_string()),
    }))
}

impl App {
    /// Counts a package that goes out.
    pub(super) fn sealed(&self, issued: &Issued) {
        if issued.is_new {
            self.metrics.sealed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a rule that was not broken.
    pub(super) fn refused(&self) {
        self.metrics.refused.fetch_add(1, Ordering::Relaxed);
    }
}
